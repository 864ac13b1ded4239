"""Conversations as chats: values, the look, and a page of HTML. Pure; knows no other room but `text`."""
