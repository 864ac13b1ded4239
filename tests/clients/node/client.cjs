// Calls the emulator at process.argv[2] by twilio-node, and prints how many operations were tried and failed.
const twilio = require("twilio");

const [base, account] = [process.argv[2], "AC" + "0".repeat(32)];
const http = new twilio.RequestClient();
const request = (options) => http.request({ ...options, uri: options.uri.replace("https://conversations.twilio.com", base) });
const v1 = twilio(account, "emulator", { httpClient: { request } }).conversations.v1;

let tried = 0;
const failed = [];

async function step(name, call, wanted = () => true) {
  tried += 1;
  try {
    const made = await call();
    if (!wanted(made)) failed.push(`${name}: another answer`);
    return made;
  } catch (error) {
    failed.push(`${name}: ${error.message}`);
    return { sid: "", links: {} };
  }
}

async function life(name, list, one, form, change) {
  const made = await step(`${name}.create`, () => list.create(form));
  await step(`${name}.list`, () => list.list({ limit: 5 }), (found) => found.some((other) => other.sid === made.sid));
  await step(`${name}.fetch`, () => one(made.sid).fetch(), (found) => found.sid === made.sid);
  if (change) await step(`${name}.update`, () => one(made.sid).update(change));
  return made;
}

async function main() {
  const hook = { preWebhookUrl: "", postWebhookUrl: "", method: "POST" };
  await step("configuration.fetch", () => v1.configuration().fetch());
  await step("configuration.update", () => v1.configuration().update({ defaultClosedTimer: "" }));
  await step("webhooks.fetch", () => v1.configuration.webhooks().fetch());
  await step("webhooks.update", () => v1.configuration.webhooks().update(hook));
  const address = await life("address", v1.addressConfigurations, v1.addressConfigurations, { type: "sms", address: "+15550201" }, { friendlyName: "Desk" });
  await step("address.remove", () => v1.addressConfigurations(address.sid).remove());
  const credential = await life("credential", v1.credentials, v1.credentials, { type: "fcm", friendlyName: "push" }, { friendlyName: "pushed" });
  await step("credential.remove", () => v1.credentials(credential.sid).remove());

  const service = v1.services((await life("service", v1.services, v1.services, { friendlyName: "Node" })).sid);
  await step("service.configuration.fetch", () => service.configuration().fetch(), (one) => one.defaultConversationRoleSid.startsWith("RL"));
  await step("service.configuration.update", () => service.configuration().update({ reachabilityEnabled: true }), (one) => one.reachabilityEnabled);
  await step("notifications.fetch", () => service.configuration.notifications().fetch());
  await step("notifications.update", () => service.configuration.notifications().update({ logEnabled: true }), (one) => one.logEnabled);
  await step("service.webhooks.fetch", () => service.configuration.webhooks().fetch());
  await step("service.webhooks.update", () => service.configuration.webhooks().update({ ...hook, filters: ["onMessageAdded", "onMessageRemoved"] }), (one) => one.filters.length === 2);
  await step("bindings.list", () => service.bindings.list(), (found) => found.length === 0);
  const role = await life("role", service.roles, service.roles, { friendlyName: "helper", type: "conversation", permission: ["sendMessage", "leaveConversation"] }, { permission: ["sendMessage"] });
  await step("role.remove", () => service.roles(role.sid).remove());
  await life("user", service.users, service.users, { identity: "alice" }, { friendlyName: "Alice" });

  const { sid } = await life("conversation", service.conversations, service.conversations, { uniqueName: "order-1" }, { friendlyName: "Order 1" });
  const conversation = service.conversations(sid);
  const alice = await life("participant", conversation.participants, conversation.participants, { identity: "alice" }, { attributes: "{}" });
  await step("participant.sms", () => conversation.participants.create({ "messagingBinding.address": "+15550202", "messagingBinding.proxyAddress": "+15559202" }));
  const message = await life("message", conversation.messages, conversation.messages, { author: "alice", body: "one" }, { body: "uno" });
  for (const body of ["two", "three"]) await step("message.create", () => conversation.messages.create({ body }));
  await step("message.pages", () => conversation.messages.list({ pageSize: 2 }), (found) => found.length === 3);
  const [receipt] = await step("receipts.list", () => conversation.messages(message.sid).deliveryReceipts.list(), (found) => found.length === 1);
  await step("receipt.fetch", () => conversation.messages(message.sid).deliveryReceipts(receipt.sid).fetch());
  const webhook = await life("webhook", conversation.webhooks, conversation.webhooks, { target: "webhook", "configuration.url": "http://127.0.0.1:9/", "configuration.filters": ["onMessageAdded"] }, { "configuration.method": "get" });
  await step("webhook.remove", () => conversation.webhooks(webhook.sid).remove());
  await step("participantConversations.list", () => service.participantConversations.list({ identity: "alice" }), (found) => found.length === 1);
  const mine = service.users("alice").userConversations;
  await step("userConversations.list", () => mine.list(), (found) => found.length === 1);
  await step("userConversation.fetch", () => mine(sid).fetch());
  await step("userConversation.update", () => mine(sid).update({ notificationLevel: "muted", lastReadMessageIndex: 0 }), (one) => one.unreadMessagesCount === 2);
  await step("conversationWithParticipants.create", () => service.conversationWithParticipants.create({ participant: ['{"identity": "bob"}', '{"identity": "carol"}'] }));
  await step("default.conversation.create", () => v1.conversations.create({ friendlyName: "Default" }));
  await step("message.remove", () => conversation.messages(message.sid).remove());
  await step("participant.remove", () => conversation.participants(alice.sid).remove());
  await step("conversation.remove", () => conversation.remove());
  await step("user.remove", () => service.users("alice").remove());
  await step("service.remove", () => service.remove());
  console.log(JSON.stringify({ tried, failed }));
}

main();
