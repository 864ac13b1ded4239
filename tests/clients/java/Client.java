// Calls the emulator at args[0] by twilio-java, and prints how many operations were tried and failed.

import com.twilio.http.NetworkHttpClient;
import com.twilio.http.TwilioRestClient;
import com.twilio.rest.conversations.v1.AddressConfiguration;
import com.twilio.rest.conversations.v1.Configuration;
import com.twilio.rest.conversations.v1.Credential;
import com.twilio.rest.conversations.v1.Service;
import com.twilio.rest.conversations.v1.service.Binding;
import com.twilio.rest.conversations.v1.service.Conversation;
import com.twilio.rest.conversations.v1.service.ConversationWithParticipants;
import com.twilio.rest.conversations.v1.service.ParticipantConversation;
import com.twilio.rest.conversations.v1.service.Role;
import com.twilio.rest.conversations.v1.service.User;
import com.twilio.rest.conversations.v1.service.configuration.Notification;
import com.twilio.rest.conversations.v1.service.conversation.Message;
import com.twilio.rest.conversations.v1.service.conversation.Participant;
import com.twilio.rest.conversations.v1.service.conversation.Webhook;
import com.twilio.rest.conversations.v1.service.conversation.message.DeliveryReceipt;
import com.twilio.rest.conversations.v1.service.user.UserConversation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.net.URIAuthority;

public class Client {
  private static final List<String> FAILED = new ArrayList<>();
  private static int tried = 0;

  private static <T> T step(String name, Callable<T> call, Predicate<T> wanted) {
    tried++;
    try {
      T made = call.call();
      if (!wanted.test(made)) FAILED.add(name + ": another answer");
      return made;
    } catch (Exception error) {
      FAILED.add(name + ": " + error.getMessage());
      return null;
    }
  }

  private static <T> T step(String name, Callable<T> call) {
    return step(name, call, made -> true);
  }

  private static void gone(String name, Callable<Boolean> call) {
    step(name, call, made -> made);
  }

  private static int count(Iterable<?> found) {
    int number = 0;
    for (Object ignored : found) number++;
    return number;
  }

  public static void main(String[] args) {
    int port = Integer.parseInt(args[0].substring(args[0].lastIndexOf(':') + 1));
    HttpClientBuilder http = HttpClientBuilder.create()
        .setRoutePlanner((target, context) -> new HttpRoute(new HttpHost("http", "127.0.0.1", port)));
    http.addRequestInterceptorFirst((request, entity, context) -> request.setAuthority(new URIAuthority("127.0.0.1", port)));
    TwilioRestClient to = new TwilioRestClient.Builder("AC" + "0".repeat(32), "emulator").httpClient(new NetworkHttpClient(http)).build();

    ofTheAccount(to);
    String service = step("service.create", () -> Service.creator("Java").create(to)).getSid();
    step("service.list", () -> Service.reader().read(to), found -> count(found) > 0);
    step("service.fetch", () -> Service.fetcher(service).fetch(to));
    ofAService(to, service);
    ofAConversation(to, service);
    step("default.conversation.create", () -> com.twilio.rest.conversations.v1.Conversation.creator().setFriendlyName("Default").create(to));
    gone("service.delete", () -> Service.deleter(service).delete(to));
    String failed = FAILED.stream().map(one -> '"' + one.replace("\\", "").replace("\"", "'") + '"').collect(Collectors.joining(", "));
    System.out.println("{\"tried\": " + tried + ", \"failed\": [" + failed + "]}");
  }

  private static void ofTheAccount(TwilioRestClient to) {
    step("configuration.fetch", () -> Configuration.fetcher().fetch(to));
    step("configuration.update", () -> Configuration.updater().setDefaultClosedTimer("").update(to));
    step("webhooks.fetch", () -> com.twilio.rest.conversations.v1.configuration.Webhook.fetcher().fetch(to));
    step("webhooks.update", () -> com.twilio.rest.conversations.v1.configuration.Webhook.updater().setMethod("POST").update(to));
    String address = step("address.create", () -> AddressConfiguration.creator(AddressConfiguration.Type.SMS, "+15550401").create(to)).getSid();
    step("address.list", () -> AddressConfiguration.reader().read(to), found -> count(found) == 1);
    step("address.fetch", () -> AddressConfiguration.fetcher(address).fetch(to));
    step("address.update", () -> AddressConfiguration.updater(address).setFriendlyName("Desk").update(to));
    gone("address.delete", () -> AddressConfiguration.deleter(address).delete(to));
    String credential = step("credential.create", () -> Credential.creator(Credential.PushType.FCM).create(to)).getSid();
    step("credential.list", () -> Credential.reader().read(to), found -> count(found) == 1);
    step("credential.fetch", () -> Credential.fetcher(credential).fetch(to));
    step("credential.update", () -> Credential.updater(credential).setFriendlyName("pushed").update(to));
    gone("credential.delete", () -> Credential.deleter(credential).delete(to));
  }

  private static void ofAService(TwilioRestClient to, String service) {
    step("service.configuration.fetch", () -> com.twilio.rest.conversations.v1.service.Configuration.fetcher(service).fetch(to));
    step("service.configuration.update", () -> com.twilio.rest.conversations.v1.service.Configuration.updater(service).setReachabilityEnabled(true).update(to),
        one -> one.getReachabilityEnabled());
    step("notifications.fetch", () -> Notification.fetcher(service).fetch(to));
    step("notifications.update", () -> Notification.updater(service).setLogEnabled(true).update(to), one -> one.getLogEnabled());
    step("service.webhooks.fetch", () -> com.twilio.rest.conversations.v1.service.configuration.Webhook.fetcher(service).fetch(to));
    step("service.webhooks.update",
        () -> com.twilio.rest.conversations.v1.service.configuration.Webhook.updater(service).setFilters(List.of("onMessageAdded", "onMessageRemoved")).update(to),
        one -> one.getFilters().size() == 2);
    step("bindings.list", () -> Binding.reader(service).read(to), found -> count(found) == 0);
    String role = step("role.create", () -> Role.creator(service, "helper", Role.RoleType.CONVERSATION, List.of("sendMessage", "leaveConversation")).create(to)).getSid();
    step("role.list", () -> Role.reader(service).read(to), found -> count(found) == 5);
    step("role.fetch", () -> Role.fetcher(service, role).fetch(to));
    step("role.update", () -> Role.updater(service, role, List.of("sendMessage")).update(to), one -> one.getPermissions().size() == 1);
    gone("role.delete", () -> Role.deleter(service, role).delete(to));
    step("user.create", () -> User.creator(service, "alice").create(to));
    step("user.list", () -> User.reader(service).read(to), found -> count(found) == 1);
    step("user.fetch", () -> User.fetcher(service, "alice").fetch(to));
    step("user.update", () -> User.updater(service, "alice").setFriendlyName("Alice").update(to));
  }

  private static void ofAConversation(TwilioRestClient to, String service) {
    String sid = step("conversation.create", () -> Conversation.creator(service).setUniqueName("order-1").create(to)).getSid();
    step("conversation.list", () -> Conversation.reader(service).read(to), found -> count(found) == 1);
    step("conversation.fetch", () -> Conversation.fetcher(service, "order-1").fetch(to));
    step("conversation.update", () -> Conversation.updater(service, sid).setFriendlyName("Order 1").update(to));
    String alice = step("participant.create", () -> Participant.creator(service, sid).setIdentity("alice").create(to)).getSid();
    step("participant.sms", () -> Participant.creator(service, sid).setMessagingBindingAddress("+15550402").setMessagingBindingProxyAddress("+15559402").create(to));
    step("participant.list", () -> Participant.reader(service, sid).read(to), found -> count(found) == 2);
    step("participant.fetch", () -> Participant.fetcher(service, sid, alice).fetch(to));
    step("participant.update", () -> Participant.updater(service, sid, alice).setAttributes("{}").update(to));
    String message = step("message.create", () -> Message.creator(service, sid).setAuthor("alice").setBody("one").create(to)).getSid();
    for (String body : List.of("two", "three")) step("message.create", () -> Message.creator(service, sid).setBody(body).create(to));
    step("message.pages", () -> Message.reader(service, sid).pageSize(2).read(to), found -> count(found) == 3);
    step("message.fetch", () -> Message.fetcher(service, sid, message).fetch(to));
    step("message.update", () -> Message.updater(service, sid, message).setBody("uno").update(to));
    String receipt = step("receipts.list", () -> DeliveryReceipt.reader(service, sid, message).read(to)).iterator().next().getSid();
    step("receipt.fetch", () -> DeliveryReceipt.fetcher(service, sid, message, receipt).fetch(to));
    String webhook = step("webhook.create", () -> Webhook.creator(service, sid, Webhook.Target.WEBHOOK)
        .setConfigurationUrl("http://127.0.0.1:9/").setConfigurationFilters(List.of("onMessageAdded")).create(to)).getSid();
    step("webhook.list", () -> Webhook.reader(service, sid).read(to), found -> count(found) == 1);
    step("webhook.fetch", () -> Webhook.fetcher(service, sid, webhook).fetch(to));
    step("webhook.update", () -> Webhook.updater(service, sid, webhook).setConfigurationMethod(Webhook.Method.GET).update(to));
    gone("webhook.delete", () -> Webhook.deleter(service, sid, webhook).delete(to));
    step("participantConversations.list", () -> ParticipantConversation.reader(service).setIdentity("alice").read(to), found -> count(found) == 1);
    step("userConversations.list", () -> UserConversation.reader(service, "alice").read(to), found -> count(found) == 1);
    step("userConversation.fetch", () -> UserConversation.fetcher(service, "alice", sid).fetch(to));
    step("userConversation.update", () -> UserConversation.updater(service, "alice", sid).setLastReadMessageIndex(0).update(to), one -> one.getUnreadMessagesCount() == 2);
    step("gathering.create", () -> ConversationWithParticipants.creator(service).setParticipant(List.of("{\"identity\": \"bob\"}", "{\"identity\": \"carol\"}")).create(to));
    gone("message.delete", () -> Message.deleter(service, sid, message).delete(to));
    gone("participant.delete", () -> Participant.deleter(service, sid, alice).delete(to));
    gone("conversation.delete", () -> Conversation.deleter(service, sid).delete(to));
    gone("user.delete", () -> User.deleter(service, "alice").delete(to));
  }
}
