import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Act on alerts: java -cp kafka-clients.jar:jackson-databind.jar:… Subscriber 127.0.0.1:19092 my-desk subscriber.properties
 *
 * The last argument is the file with the login, which the people who run the broker give you.
 *
 * The program saves its position after it has acted on an alert. If it crashes before that, the next run receives the
 * same alert again. While the program runs, it skips repeats. After a restart it no longer knows which alerts
 * it has received, so your own code must recognise repeats.
 */
public class Subscriber {
    private static final String TOPIC = "caf.escalation.alerts.v1";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Acts on one alert. Put your own code here. */
    private static void act(JsonNode alert) {
        System.out.printf("%s %d %s %s %s%n", alert.get("alert_id").asText(), alert.get("version").asInt(),
            alert.get("severity").asText(), alert.get("status").asText(), alert.get("rule").asText());
    }

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.load(Files.newBufferedReader(Path.of(args[2])));
        settings.put("bootstrap.servers", args[0]);
        settings.put("group.id", args[1]);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed");
        Map<String, Integer> latest = new HashMap<>();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            // After Ctrl-C, leave the group at once. Otherwise the next start waits until Kafka has given up on this member.
            Thread main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                consumer.wakeup();
                try {
                    main.join();
                } catch (InterruptedException ended) {
                    Thread.currentThread().interrupt();
                }
            }));
            consumer.subscribe(List.of(TOPIC));
            while (true) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                    JsonNode alert = JSON.readTree(record.value()).get("data");
                    String id = alert.get("alert_id").asText();
                    int version = alert.get("version").asInt();
                    boolean isNews = version > latest.getOrDefault(id, 0);
                    if (isNews && !alert.get("backfill").asBoolean() && !alert.get("test").asBoolean()) {
                        act(alert);
                    }
                    latest.merge(id, version, Math::max);
                    consumer.commitSync(Map.of(new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1)));
                }
            }
        } catch (WakeupException ended) {
            // Somebody pressed Ctrl-C.
        }
    }
}
