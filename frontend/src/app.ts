/** What every page loads: htmx, set up so that the pages need no inline script or style; live pages; keys. */

import htmx from "htmx.org";
import "./app.css";
import { watchKeys } from "./keys";
import { watchLive } from "./live";

htmx.config.allowEval = false; // script-src has no 'unsafe-eval'
htmx.config.allowScriptTags = false; // fragments carry no scripts
htmx.config.includeIndicatorStyles = false; // style-src has no 'unsafe-inline'
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0; // no patient data in the browser's storage
htmx.config.refreshOnHistoryMiss = true;
htmx.config.timeout = 30_000;
// A refusal is said in words, in the page's notice; the rest of the page stays as it is.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "[45]..", swap: true, error: true, target: "#notice", swapOverride: "innerHTML" },
];

// It stands until the reader does the next thing; a page that refreshes itself does not take it away.
document.addEventListener("htmx:beforeRequest", (event) => {
  const asking = (event as CustomEvent<{ elt: Element }>).detail.elt;
  if (!asking.hasAttribute("data-live")) document.getElementById("notice")?.replaceChildren();
});

watchLive();
watchKeys();
