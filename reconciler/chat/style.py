"""The look of chats: one style sheet for every page, so that its hash can stand in the page's policy.

Both colour schemes keep a contrast of at least 4.5 to 1 between text and what is behind it.
"""

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #f3f4f6; --card: #ffffff; --text: #1b1f24; --dim: #57606a; --line: #d0d7de; --link: #0550ae;
  --bubble: #ffffff; --own: #e3eefc;
  --added: #116329; --added-back: #e6f6ea; --changed: #7d4e00; --changed-back: #fff6dc;
  --deleted: #a40e26; --deleted-back: #ffebe9; --reposted: #6639ba; --reposted-back: #f3eaff;
  --noted: #0a5c7a; --noted-back: #e4f4fa;
  --p0: #0550ae; --p1: #8a3b00; --p2: #116329; --p3: #6639ba;
  --p4: #9b1c60; --p5: #0a5c7a; --p6: #6b5300; --p7: #4a4f57;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --card: #161b22; --text: #e6edf3; --dim: #9aa5b1; --line: #3d444d; --link: #79b8ff;
    --bubble: #1f252d; --own: #16304d;
    --added: #6fdd8b; --added-back: #12301d; --changed: #f0c060; --changed-back: #35290d;
    --deleted: #ffa198; --deleted-back: #40161a; --reposted: #d2b3ff; --reposted-back: #2d1f47;
    --noted: #7fd4f0; --noted-back: #0f2e3a;
    --p0: #8cc4ff; --p1: #ffb380; --p2: #7ee79a; --p3: #d2b3ff;
    --p4: #ffa3d1; --p5: #7fd4f0; --p6: #e5cf7a; --p7: #c4ccd4;
  }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
body > header, body > nav, main, body > footer { max-width: 56rem; margin: 0 auto; padding: 0 1rem; }
body > header { padding-top: 1.5rem; }
body > footer { padding-block: 2rem; color: var(--dim); font-size: .875rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1.0625rem; margin: 0; }
h1, h2, h3, p, li, dd, dt, summary { overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .5rem; background: var(--card); z-index: 1; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.dim, .why, .at { color: var(--dim); font-weight: 400; }
.summary { font-size: 1.125rem; font-weight: 600; margin: 0 0 1rem; }
.summary.bad { color: var(--deleted); }
.notices { list-style: none; margin: 0 0 1rem; padding: 0; }
.notices li { border-left: .3rem solid; border-radius: .3rem; padding: .5rem .75rem; margin: 0 0 .5rem; }
.notices p { margin: 0; color: var(--text); }
.notices .refusal { border-color: var(--deleted); background: var(--deleted-back); }
.notices .warning { border-color: var(--changed); background: var(--changed-back); }
.notices :is(.note, .price) { border-color: var(--noted); background: var(--noted-back); }
.refusal b { color: var(--deleted);}
.warning b { color: var(--changed);}
.note b, .price b { color: var(--noted); }
.contents { margin: 0; padding: 0; list-style: none; columns: 18rem; }
.contents li { break-inside: avoid; }
.chat {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem; margin: 0 0 1rem;
  padding: .75rem 1rem;
}
.chat > summary { cursor: pointer; }
.chat > summary h3 { display: inline; }
.about { margin: .25rem 0 .5rem; font-size: .9375rem; }
.about p { margin: 0; }
.people { list-style: none; margin: .25rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem .5rem; }
.people > li {
  border: 1px solid var(--line); border-radius: 1rem; padding: .05rem .65rem; font-size: .875rem;
}
.messages { list-style: none; margin: 0; padding: 0; }
.day { text-align: center; color: var(--dim); font-size: .8125rem; margin: .75rem 0 .25rem; }
.row { display: flex; margin: .375rem 0; content-visibility: auto; contain-intrinsic-size: auto 4.5rem; }
.row.own { justify-content: flex-end; }
.bubble {
  max-width: min(38rem, 88%); min-width: 9rem; background: var(--bubble); border: 1px solid var(--line);
  border-radius: .9rem .9rem .9rem .2rem; padding: .4rem .75rem .5rem;
}
.own > .bubble { background: var(--own); border-radius: .9rem .9rem .2rem .9rem; }
.bubble p { margin: 0; }
.by { font-size: .8125rem; display: flex; flex-wrap: wrap; gap: 0 .75rem; justify-content: space-between; }
.body { white-space: pre-wrap; }
.bubble > .key { font-size: .75rem; color: var(--dim); }
.mark { font-size: .8125rem; font-weight: 600; }
.mark.why { font-weight: 400; }
.sign { font-family: ui-monospace, "SFMono-Regular", Menlo, "DejaVu Sans Mono", monospace; }
.added > .bubble, .people > .added { background: var(--added-back); border-color: var(--added); }
.changed > .bubble, .people > .changed { background: var(--changed-back); border-color: var(--changed); }
.deleted > .bubble, .people > .deleted { background: var(--deleted-back); border: 1px dashed var(--deleted); }
.reposted > .bubble { background: var(--reposted-back); border-color: var(--reposted); }
.noted > .bubble, .people > .noted { background: var(--noted-back); border-color: var(--noted); }
.mark.added { color: var(--added); } .mark.changed { color: var(--changed); }
.mark.deleted { color: var(--deleted); } .mark.reposted { color: var(--reposted); }
.mark.noted { color: var(--noted); }
.row:not(.same) .why, .row:not(.same) .at, .row:not(.same) .key, .row:not(.same) dt,
.people > :not(.same) .dim { color: var(--text); }
del { color: var(--deleted); background: var(--deleted-back); }
ins { color: var(--added); background: var(--added-back); text-decoration-thickness: 2px; }
.fields { margin: .25rem 0 0; font-size: .8125rem; }
.fields > div { display: flex; flex-wrap: wrap; gap: 0 .5rem; }
.fields dt { color: var(--dim); }
.fields dd { margin: 0; white-space: pre-wrap; min-width: 0; }
figure { margin: .35rem 0 0; font-size: .8125rem; }
figure img {
  display: block; max-width: 100%; max-height: 20rem; border-radius: .5rem; background: var(--page);
}
.notes { margin: .25rem 0 0; font-size: .75rem; }
.fold { margin: .375rem 0; }
.fold > summary {
  cursor: pointer; text-align: center; color: var(--dim); font-size: .8125rem; padding: .25rem;
}
.p0 .who { color: var(--p0); } .p1 .who { color: var(--p1); } .p2 .who { color: var(--p2); }
.p3 .who { color: var(--p3); } .p4 .who { color: var(--p4); } .p5 .who { color: var(--p5); }
.p6 .who { color: var(--p6); } .p7 .who { color: var(--p7); }
@media (max-width: 30rem) {
  body > header, body > nav, main, body > footer { padding: 0 .5rem; }
  .chat { padding: .5rem; }
  .bubble { max-width: 94%; }
}
@media print {
  body { background: none; font-size: 10pt; }
  .skip, body > nav { display: none; }
  .chat { border: 0; padding: 0; }
  .row { content-visibility: visible; break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
@media (forced-colors: active) { .bubble { border-width: 2px; } }
"""
"""The style sheet."""
