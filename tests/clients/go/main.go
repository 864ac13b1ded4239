// Calls the emulator at os.Args[1] by twilio-go, and prints how many operations were tried and failed.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/conversations/v1"
)

type emulator struct{ host string }

func (e emulator) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host, r.Host = "http", e.host, ""
	return http.DefaultTransport.RoundTrip(r)
}

var tried int
var failed = []string{}

func step[T any](name string, made T, err error) T {
	tried++
	if err != nil {
		failed = append(failed, name+": "+err.Error())
	}
	return made
}

func gone(name string, err error) { step(name, true, err) }

func check(name string, right bool) {
	if !right {
		failed = append(failed, name+": another answer")
	}
}

func text(value string) *string { return &value }
func yes() *bool                { value := true; return &value }
func number(value int) *int     { return &value }

func main() {
	account := "AC" + strings.Repeat("0", 32)
	base := &client.Client{Credentials: client.NewCredentials(account, "emulator"), HTTPClient: &http.Client{Transport: emulator{strings.TrimPrefix(os.Args[1], "http://")}}}
	base.SetAccountSid(account)
	v1 := twilio.NewRestClientWithParams(twilio.ClientParams{Client: base}).ConversationsV1

	ofTheAccount(v1)
	made, err := v1.CreateService(&api.CreateServiceParams{FriendlyName: text("Go")})
	service := *step("service.create", made, err).Sid
	services, err := v1.ListService(&api.ListServiceParams{})
	check("service.list", len(step("service.list", services, err)) > 0)
	fetched, err := v1.FetchService(service)
	step("service.fetch", fetched, err)
	ofAService(v1, service)
	ofAConversation(v1, service)
	conversation, err := v1.CreateConversation(&api.CreateConversationParams{FriendlyName: text("Default")})
	step("default.conversation.create", conversation, err)
	gone("service.delete", v1.DeleteService(service))

	shown, _ := json.Marshal(map[string]any{"tried": tried, "failed": failed})
	fmt.Println(string(shown))
}

func ofTheAccount(v1 *api.ApiService) {
	configuration, err := v1.FetchConfiguration()
	step("configuration.fetch", configuration, err)
	configuration, err = v1.UpdateConfiguration(&api.UpdateConfigurationParams{DefaultClosedTimer: text("")})
	step("configuration.update", configuration, err)
	webhooks, err := v1.FetchConfigurationWebhook()
	step("webhooks.fetch", webhooks, err)
	webhooks, err = v1.UpdateConfigurationWebhook(&api.UpdateConfigurationWebhookParams{Method: text("POST")})
	step("webhooks.update", webhooks, err)
	address, err := v1.CreateConfigurationAddress(&api.CreateConfigurationAddressParams{Type: text("sms"), Address: text("+15550301")})
	sid := *step("address.create", address, err).Sid
	addresses, err := v1.ListConfigurationAddress(&api.ListConfigurationAddressParams{})
	check("address.list", len(step("address.list", addresses, err)) == 1)
	address, err = v1.FetchConfigurationAddress(sid)
	step("address.fetch", address, err)
	address, err = v1.UpdateConfigurationAddress(sid, &api.UpdateConfigurationAddressParams{FriendlyName: text("Desk")})
	step("address.update", address, err)
	gone("address.delete", v1.DeleteConfigurationAddress(sid))
	credential, err := v1.CreateCredential(&api.CreateCredentialParams{Type: text("fcm")})
	sid = *step("credential.create", credential, err).Sid
	credentials, err := v1.ListCredential(&api.ListCredentialParams{})
	check("credential.list", len(step("credential.list", credentials, err)) == 1)
	credential, err = v1.FetchCredential(sid)
	step("credential.fetch", credential, err)
	credential, err = v1.UpdateCredential(sid, &api.UpdateCredentialParams{FriendlyName: text("pushed")})
	step("credential.update", credential, err)
	gone("credential.delete", v1.DeleteCredential(sid))
}

func ofAService(v1 *api.ApiService, service string) {
	configuration, err := v1.FetchServiceConfiguration(service)
	step("service.configuration.fetch", configuration, err)
	configuration, err = v1.UpdateServiceConfiguration(service, &api.UpdateServiceConfigurationParams{ReachabilityEnabled: yes()})
	check("service.configuration.update", *step("service.configuration.update", configuration, err).ReachabilityEnabled)
	notifications, err := v1.FetchServiceNotification(service)
	step("notifications.fetch", notifications, err)
	notifications, err = v1.UpdateServiceNotification(service, &api.UpdateServiceNotificationParams{LogEnabled: yes()})
	check("notifications.update", *step("notifications.update", notifications, err).LogEnabled)
	webhooks, err := v1.FetchServiceWebhookConfiguration(service)
	step("service.webhooks.fetch", webhooks, err)
	events := []string{"onMessageAdded", "onMessageRemoved"}
	webhooks, err = v1.UpdateServiceWebhookConfiguration(service, &api.UpdateServiceWebhookConfigurationParams{Filters: &events})
	check("service.webhooks.update", len(*step("service.webhooks.update", webhooks, err).Filters) == 2)
	bindings, err := v1.ListServiceBinding(service, &api.ListServiceBindingParams{})
	check("bindings.list", len(step("bindings.list", bindings, err)) == 0)
	permissions := []string{"sendMessage", "leaveConversation"}
	role, err := v1.CreateServiceRole(service, &api.CreateServiceRoleParams{FriendlyName: text("helper"), Type: text("conversation"), Permission: &permissions})
	sid := *step("role.create", role, err).Sid
	roles, err := v1.ListServiceRole(service, &api.ListServiceRoleParams{})
	check("role.list", len(step("role.list", roles, err)) == 5)
	role, err = v1.FetchServiceRole(service, sid)
	step("role.fetch", role, err)
	permissions = permissions[:1]
	role, err = v1.UpdateServiceRole(service, sid, &api.UpdateServiceRoleParams{Permission: &permissions})
	check("role.update", len(*step("role.update", role, err).Permissions) == 1)
	gone("role.delete", v1.DeleteServiceRole(service, sid))
	user, err := v1.CreateServiceUser(service, &api.CreateServiceUserParams{Identity: text("alice")})
	step("user.create", user, err)
	users, err := v1.ListServiceUser(service, &api.ListServiceUserParams{})
	check("user.list", len(step("user.list", users, err)) == 1)
	user, err = v1.FetchServiceUser(service, "alice")
	step("user.fetch", user, err)
	user, err = v1.UpdateServiceUser(service, "alice", &api.UpdateServiceUserParams{FriendlyName: text("Alice")})
	step("user.update", user, err)
}

func ofAConversation(v1 *api.ApiService, service string) {
	made, err := v1.CreateServiceConversation(service, &api.CreateServiceConversationParams{UniqueName: text("order-1")})
	sid := *step("conversation.create", made, err).Sid
	conversations, err := v1.ListServiceConversation(service, &api.ListServiceConversationParams{})
	check("conversation.list", len(step("conversation.list", conversations, err)) == 1)
	made, err = v1.FetchServiceConversation(service, "order-1")
	step("conversation.fetch", made, err)
	made, err = v1.UpdateServiceConversation(service, sid, &api.UpdateServiceConversationParams{FriendlyName: text("Order 1")})
	step("conversation.update", made, err)

	participant, err := v1.CreateServiceConversationParticipant(service, sid, &api.CreateServiceConversationParticipantParams{Identity: text("alice")})
	alice := *step("participant.create", participant, err).Sid
	phone := &api.CreateServiceConversationParticipantParams{}
	phone.SetMessagingBindingAddress("+15550302")
	phone.SetMessagingBindingProxyAddress("+15559302")
	participant, err = v1.CreateServiceConversationParticipant(service, sid, phone)
	step("participant.sms", participant, err)
	participants, err := v1.ListServiceConversationParticipant(service, sid, &api.ListServiceConversationParticipantParams{})
	check("participant.list", len(step("participant.list", participants, err)) == 2)
	participant, err = v1.FetchServiceConversationParticipant(service, sid, alice)
	step("participant.fetch", participant, err)
	participant, err = v1.UpdateServiceConversationParticipant(service, sid, alice, &api.UpdateServiceConversationParticipantParams{Attributes: text("{}")})
	step("participant.update", participant, err)

	message := ""
	for _, body := range []string{"one", "two", "three"} {
		posted, err := v1.CreateServiceConversationMessage(service, sid, &api.CreateServiceConversationMessageParams{Author: text("alice"), Body: text(body)})
		message = *step("message.create", posted, err).Sid
	}
	messages, err := v1.ListServiceConversationMessage(service, sid, &api.ListServiceConversationMessageParams{PageSize: number(2)})
	check("message.pages", len(step("message.pages", messages, err)) == 3)
	fetched, err := v1.FetchServiceConversationMessage(service, sid, message)
	step("message.fetch", fetched, err)
	fetched, err = v1.UpdateServiceConversationMessage(service, sid, message, &api.UpdateServiceConversationMessageParams{Body: text("tres")})
	step("message.update", fetched, err)
	receipts, err := v1.ListServiceConversationMessageReceipt(service, sid, message, &api.ListServiceConversationMessageReceiptParams{})
	check("receipts.list", len(step("receipts.list", receipts, err)) == 1)
	receipt, err := v1.FetchServiceConversationMessageReceipt(service, sid, message, *receipts[0].Sid)
	step("receipt.fetch", receipt, err)

	hook := &api.CreateServiceConversationScopedWebhookParams{Target: text("webhook")}
	hook.SetConfigurationUrl("http://127.0.0.1:9/")
	hook.SetConfigurationFilters([]string{"onMessageAdded"})
	webhook, err := v1.CreateServiceConversationScopedWebhook(service, sid, hook)
	own := *step("webhook.create", webhook, err).Sid
	webhooks, err := v1.ListServiceConversationScopedWebhook(service, sid, &api.ListServiceConversationScopedWebhookParams{})
	check("webhook.list", len(step("webhook.list", webhooks, err)) == 1)
	webhook, err = v1.FetchServiceConversationScopedWebhook(service, sid, own)
	step("webhook.fetch", webhook, err)
	change := &api.UpdateServiceConversationScopedWebhookParams{}
	change.SetConfigurationMethod("get")
	webhook, err = v1.UpdateServiceConversationScopedWebhook(service, sid, own, change)
	step("webhook.update", webhook, err)
	gone("webhook.delete", v1.DeleteServiceConversationScopedWebhook(service, sid, own))

	theirs, err := v1.ListServiceParticipantConversation(service, &api.ListServiceParticipantConversationParams{Identity: text("alice")})
	check("participantConversations.list", len(step("participantConversations.list", theirs, err)) == 1)
	mine, err := v1.ListServiceUserConversation(service, "alice", &api.ListServiceUserConversationParams{})
	check("userConversations.list", len(step("userConversations.list", mine, err)) == 1)
	one, err := v1.FetchServiceUserConversation(service, "alice", sid)
	step("userConversation.fetch", one, err)
	one, err = v1.UpdateServiceUserConversation(service, "alice", sid, &api.UpdateServiceUserConversationParams{LastReadMessageIndex: number(0)})
	check("userConversation.update", *step("userConversation.update", one, err).UnreadMessagesCount == 2)
	people := []string{`{"identity": "bob"}`, `{"identity": "carol"}`}
	gathering, err := v1.CreateServiceConversationWithParticipants(service, &api.CreateServiceConversationWithParticipantsParams{Participant: &people})
	step("gathering.create", gathering, err)

	gone("message.delete", v1.DeleteServiceConversationMessage(service, sid, message, nil))
	gone("participant.delete", v1.DeleteServiceConversationParticipant(service, sid, alice, nil))
	gone("conversation.delete", v1.DeleteServiceConversation(service, sid, nil))
	gone("user.delete", v1.DeleteServiceUser(service, "alice", nil))
}
