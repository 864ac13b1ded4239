"""The templates of chats. `page.html` is the frame of every page; `chat.html` has the parts as macros.

Values are printed as text always: the environment of `page` makes what strangers wrote harmless, and escapes
it. No template turns that off, and none has a script or a `style=`.
"""

from typing import Final

PAGE: Final = """\
{% import "chat.html" as parts -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ page.title }}</title>
<link rel="icon" href="data:,">
<style>{{ style }}</style>
{% block head %}{% endblock -%}
</head>
<body>
<a class="skip" href="#main">Skip to the conversations</a>
<header>
<h1>{{ page.title }}</h1>
{% if page.summary %}<p class="summary{{ "" if page.good else " bad" }}">{{ page.summary }}</p>{% endif %}
{{ parts.notices(page.notices) -}}
{% block header %}{% endblock -%}
</header>
{% block contents %}{{ parts.contents(page.sections) }}{% endblock -%}
<main id="main">
{% block main %}{% for section in page.sections %}{{ parts.section(section) }}{% endfor %}{% endblock -%}
</main>
<footer>{% block footer %}{% if page.footer %}<p>{{ page.footer }}</p>{% endif %}{% endblock %}</footer>
</body>
</html>
"""

CHAT: Final = """\
{% macro status(one) -%}
{% if one.status %}<span class="mark {{ one.mark }}"><span class="sign" aria-hidden="true">
{{- one.sign }}</span> {{ one.status }}</span>{% endif %}
{%- endmacro %}

{% macro notices(items) -%}
{% if items %}<ul class="notices">
{% for one in items %}<li class="{{ one.kind }}"><p><b>{{ one.kind }}:</b> {{ one.text }}</p>
{%- if one.hint %}<p>{{ one.hint }}</p>{% endif %}</li>
{% endfor %}</ul>
{% endif %}
{%- endmacro %}

{% macro contents(sections) -%}
{% set chats = sections | sum(attribute="chats", start=()) %}
{% if chats | length > 1 %}<nav aria-label="Conversations">
<ul class="contents">
{% for one in chats %}<li><a href="#{{ one.anchor }}">{{ one.title }}</a> {{ status(one) }}
<span class="dim">{{ one.subtitle }}</span></li>
{% endfor %}</ul>
</nav>
{% endif %}
{%- endmacro %}

{% macro section(one) -%}
<section>
<h2>{{ one.title }} {{ status(one) }} <span class="dim">{{ one.subtitle }}</span></h2>
{% for chat in one.chats %}{{ conversation(chat) }}{% endfor -%}
</section>
{% endmacro %}

{% macro heading(one) -%}
<h3>{{ one.title }} {{ status(one) }} <span class="dim">{{ one.subtitle }}</span></h3>
{%- endmacro %}

{% macro conversation(one) -%}
{% if one.folded -%}
<details class="chat" id="{{ one.anchor }}"><summary>{{ heading(one) }}</summary>
{{ inside(one) }}</details>
{% else -%}
<article class="chat" id="{{ one.anchor }}" aria-label="{{ one.title }}">
{{ heading(one) }}
{{ inside(one) }}</article>
{% endif %}
{%- endmacro %}

{% macro inside(one) -%}
{% if one.why or one.fields or one.notes %}<div class="about">
{% if one.why %}<p class="why">{{ one.why }}</p>{% endif -%}
{{ fields(one.fields) -}}
{% for note in one.notes %}<p class="dim">{{ note }}</p>{% endfor -%}
</div>
{% endif -%}
{{ people(one.people) -}}
{% for run in one.runs %}{{ messages(run) }}{% endfor %}
{%- endmacro %}

{% macro people(items) -%}
{% if items %}<ul class="people" aria-label="Participants">
{% for one in items %}<li class="{{ one.mark }}"><b>{{ one.name }}</b>
{%- if one.detail %} <span class="dim">{{ one.detail }}</span>{% endif %} {{ status(one) }}
{{- fields(one.fields) }}</li>
{% endfor %}</ul>
{% endif %}
{%- endmacro %}

{% macro messages(run) -%}
{% if run.folded %}<details class="fold"><summary>{{ run.bubbles | length }} unchanged messages</summary>
{% endif -%}
<ol class="messages">
{% for one in run.bubbles %}{% set day = one.instant | day %}
{%- if day and loop.changed(day) %}<li class="day">{{ day }}</li>
{% endif %}{{ bubble(one) }}{% endfor -%}
</ol>
{% if run.folded %}</details>
{% endif %}
{%- endmacro %}

{% macro bubble(one) -%}
<li class="row {{ one.mark }}{{ " own" if one.own }}"><div class="bubble p{{ one.person % 8 }}">
<p class="by"><b class="who">{{ one.author }}</b>
{%- if one.instant %} {{ time(one.instant) }}{% endif %}</p>
{% if one.status %}<p>{{ status(one) }} <span class="mark why">{{ one.why }}</span></p>
{% endif -%}
{% if one.before %}<p class="body"><span class="unseen">Before: </span>{{ words(one.before) }}</p>
<p class="body"><span class="unseen">After: </span>{{ words(one.body) }}</p>
{% elif one.body %}<p class="body">{{ words(one.body) }}</p>
{% endif -%}
{% for file in one.media %}{{ media(file) }}{% endfor -%}
{{ fields(one.fields) -}}
{% if one.name %}<p class="key">{{ one.name }}</p>
{% endif -%}
{% if one.notes %}<ul class="notes">{% for note in one.notes %}<li>{{ note }}</li>{% endfor %}</ul>
{% endif -%}
</div></li>
{% endmacro %}

{% macro time(instant) -%}
<time class="at" datetime="{{ instant }}">{{ instant | clock }}</time>
{%- endmacro %}

{% macro words(items) -%}
{% for one in items %}
{%- if one.mark == "deleted" %}<del>{{ one.text }}</del>
{%- elif one.mark == "added" %}<ins>{{ one.text }}</ins>
{%- else %}{{ one.text }}{% endif %}
{%- endfor %}
{%- endmacro %}

{% macro media(one) -%}
<figure>
{%- if one.picture %}<img src="{{ one.picture }}" alt="{{ one.name }}">{% endif -%}
<figcaption>\N{PAPERCLIP} {{ one.name }} <span class="dim">{{ one.detail }}</span></figcaption></figure>
{% endmacro %}

{% macro fields(items) -%}
{% if items %}<dl class="fields">
{% for one in items %}<div><dt>{{ one.name }}</dt>
{% if one.mark == "added" %}<dd><ins>{{ one.value }}</ins></dd>
{%- elif one.mark == "deleted" %}<dd><del>{{ one.value }}</del></dd>
{%- elif one.before is not none %}<dd><del>{{ one.before }}</del>
{{- " \N{RIGHTWARDS ARROW} " }}<ins>{{ one.value }}</ins></dd>
{%- else %}<dd>{{ one.value }}</dd>{% endif %}</div>
{% endfor %}</dl>
{% endif %}
{%- endmacro %}
"""
