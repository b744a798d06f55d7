import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.Encoding;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends an event with the CloudEvents SDK: broker, topic, key, encoding, id, type, file of the data, file of the login. */
public class Send {
    public static void main(String[] given) throws Exception {
        Properties login = new Properties();
        login.load(Files.newBufferedReader(Path.of(given[7])));
        Map<String, Object> config = new HashMap<>();
        login.forEach((name, value) -> config.put((String) name, value));
        config.put("bootstrap.servers", given[0]);
        config.put(CloudEventSerializer.ENCODING_CONFIG, Encoding.valueOf(given[3]));
        config.put(CloudEventSerializer.EVENT_FORMAT_CONFIG, JsonFormat.CONTENT_TYPE);
        CloudEvent event = CloudEventBuilder.v1()
            .withId(given[4])
            .withSource(URI.create("/java/sdk"))
            .withType(given[5])
            .withTime(OffsetDateTime.parse("2026-03-02T10:15:00.123456789+01:00"))
            .withExtension("authority", "E08000015")
            .withExtension("backfill", true)
            .withData("application/json", Files.readAllBytes(Path.of(given[6])))
            .build();
        try (CloudEventSerializer values = new CloudEventSerializer()) {
            values.configure(config, false);
            try (KafkaProducer<String, CloudEvent> producer =
                    new KafkaProducer<>(config, new StringSerializer(), values)) {
                producer.send(new ProducerRecord<>(given[1], given[2], event)).get();
            }
        }
    }
}
