terraform {
  required_providers {
    twilio = { source = "twilio/twilio" }
  }
}

variable "order" {}
variable "region" {}
variable "stages" {}
variable "visitors" {}

resource "twilio_conversations_services_conversations_messages_v1" "stage" {
  count            = var.stages
  chat_service_sid = var.order.chat_service_sid
  conversation_sid = var.order.conversation_sid
  body             = "${var.region}: stage ${count.index}"
}

resource "twilio_conversations_services_conversations_messages_v1" "greeting" {
  for_each         = var.visitors
  chat_service_sid = var.order.chat_service_sid
  conversation_sid = var.order.conversation_sid
  author           = each.key
  body             = each.value
}
