// Opens a chat at its end, keeps the live parts of a page as they are on the server, and sends with Enter.
"use strict";
(() => {
  const connection = document.getElementById("connection");

  // Make the children of *old* those of *fresh*. Equal ones stay, so that a screen reader hears only what is new,
  // and what holds a list is merged itself.
  const merge = (old, fresh) => {
    const spare = [...old.children];
    const take = (fits) => spare.splice(spare.findIndex(fits), 1)[0];
    const wanted = [...fresh.children].map((child) => {
      if (spare.some((one) => one.isEqualNode(child))) return take((one) => one.isEqualNode(child));
      const alike = (one) => one.tagName === child.tagName && one.id === child.id && child.querySelector("li, tr");
      if (!spare.some(alike)) return document.importNode(child, true);
      const same = take(alike);
      merge(same, child);
      return same;
    });
    for (const one of spare) one.remove();
    wanted.forEach((child, at) => {
      if (old.children[at] !== child) old.insertBefore(child, old.children[at] ?? null);
    });
  };

  const toEnd = () => {
    if (document.querySelector("[data-follow]")) scrollTo(0, document.documentElement.scrollHeight);
  };
  // A chat opens at its newest message, and stays there when pictures have come. Who comes back to it finds the
  // place that they left.
  if (performance.getEntriesByType("navigation")[0]?.type === "navigate") {
    toEnd();
    addEventListener("load", toEnd);
  }

  let running = false;
  let again = false;
  const refresh = async () => {
    again = running;
    if (running) return;
    running = true;
    try {
      const reply = await fetch(location.href);
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 40;
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (fresh) merge(old, fresh);
      }
      if (atEnd) toEnd();
    } catch {
      // The server is away: the next event, once there is a connection again, comes back here.
    } finally {
      running = false;
      if (again) refresh();
    }
  };

  const events = new EventSource(connection.dataset.events);
  events.onmessage = refresh;
  events.onopen = () => { connection.textContent = "live"; };
  events.onerror = () => { connection.textContent = "not connected, trying again"; };
  addEventListener("pagehide", () => events.close());

  const body = document.getElementById("body");
  body?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      body.form.requestSubmit();
    }
  });
})();
