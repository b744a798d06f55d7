#!/bin/sh
# Look at alerts with the tools that come with Kafka: sh subscriber.sh 127.0.0.1:19092 my-desk subscriber.properties
# Do not use this script to act on alerts. The console consumer saves its position every few seconds, even if nobody has
# acted on the alerts before that position.
# KAFKA_CONSOLE_CONSUMER is the command that starts the console consumer. The default is the script that comes with Kafka.
set -eu
${KAFKA_CONSOLE_CONSUMER:-kafka-console-consumer.sh} --bootstrap-server "$1" --group "$2" --consumer.config "$3" \
    --topic caf.escalation.alerts.v1 --from-beginning --isolation-level read_committed |
    while read -r record; do
        printf '%s\n' "$record" | python3 -m json.tool
    done
