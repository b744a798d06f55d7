-- What people did about alerts: who acknowledged an alert, and who closed it. No rule reads this model.
select
    alert_id,
    fact,
    max(received_at) as received_at,
    arg_max(occurred_at, (received_at, event_order)) as acted_at,
    arg_max(worker_id, (received_at, event_order)) as worker_id,
    arg_max(alert_closure, (received_at, event_order)) as alert_closure
from {{ ref('stg_events') }}
where fact in ('alert-acknowledged', 'alert-closed')
group by alert_id, fact
