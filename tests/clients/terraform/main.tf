terraform {
  required_providers {
    twilio = { source = "twilio/twilio" }
  }
}

variable "greeting" {
  default = "Welcome"
}

variable "visitors" {
  default = { "alice" = "Hello", "Bob's" = "Hi there" }
}

variable "phone" {
  default = "+15550100"
}

variable "code" {
  sensitive = true
  default   = "4711"
}

variable "stages" {
  default = 2
}

resource "twilio_conversations_services_v1" "support" {
  friendly_name = "support"
}

resource "twilio_conversations_services_conversations_v1" "order" {
  chat_service_sid = twilio_conversations_services_v1.support.sid
  unique_name      = "order-1"
  friendly_name    = "Order 1"
  attributes       = jsonencode({ vip = true })
  timers_inactive  = "PT30M"
}

locals {
  in_order = {
    chat_service_sid = twilio_conversations_services_v1.support.sid
    conversation_sid = twilio_conversations_services_conversations_v1.order.sid
  }
}

resource "twilio_conversations_services_conversations_participants_v1" "visitor" {
  for_each         = var.visitors
  chat_service_sid = local.in_order.chat_service_sid
  conversation_sid = local.in_order.conversation_sid
  identity         = each.key
}

resource "twilio_conversations_services_conversations_participants_v1" "phone" {
  chat_service_sid                = local.in_order.chat_service_sid
  conversation_sid                = local.in_order.conversation_sid
  messaging_binding_address       = var.phone
  messaging_binding_proxy_address = "+15550199"
}

resource "twilio_conversations_services_conversations_messages_v1" "welcome" {
  chat_service_sid = local.in_order.chat_service_sid
  conversation_sid = local.in_order.conversation_sid
  author           = "system"
  body             = var.greeting
  attributes       = jsonencode({ n = 1.0, tags = ["a"] })
  date_created     = "2026-01-05T09:00:00Z"
}

resource "twilio_conversations_services_conversations_messages_v1" "code" {
  chat_service_sid = local.in_order.chat_service_sid
  conversation_sid = local.in_order.conversation_sid
  body             = "The code is ${var.code}"

  lifecycle {
    create_before_destroy = true
  }
}

module "desk" {
  for_each = toset(["eu", "us west"])
  source   = "./desk"
  order    = local.in_order
  stages   = var.stages
  region   = each.key
  visitors = var.visitors
}

resource "twilio_conversations_conversations_v1" "walk_in" {
  unique_name = "walk-in"
}

resource "twilio_conversations_conversations_participants_v1" "walk_in" {
  conversation_sid = twilio_conversations_conversations_v1.walk_in.sid
  identity         = "zoe"
}

resource "twilio_conversations_conversations_messages_v1" "walk_in" {
  conversation_sid = twilio_conversations_conversations_v1.walk_in.sid
  author           = "zoe"
  body             = "Is anybody there?"
}
