#!/bin/sh
# Look at alerts with what ships with Kafka: sh subscriber.sh localhost:19092 my-desk
# The console consumer saves its place by the clock, not when you have acted: it is for looking, not for acting.
# KAFKA_CONSOLE_CONSUMER: how it is started here; the default is the script of a Kafka distribution.
set -eu
${KAFKA_CONSOLE_CONSUMER:-kafka-console-consumer.sh} --bootstrap-server "$1" --group "$2" \
    --topic caf.escalation.alerts.v1 --from-beginning --isolation-level read_committed |
    while read -r record; do
        printf '%s\n' "$record" | python3 -m json.tool
    done
