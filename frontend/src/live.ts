/**
 * Server-sent events for the element with `data-live="ADDRESS"`: `swap` replaces the inside of one element, `changed`
 * makes htmx fetch the whole anew, `gone` says that the session ended.
 *
 * Only the page in front is connected: a browser has six HTTP/1.1 connections to one host, and people keep many tabs.
 */

import htmx from "htmx.org";

interface Swap {
  target: string;
  html: string;
  style: string;
}

let source: EventSource | undefined;

function connect(address: string): void {
  source = new EventSource(address);
  // Also after each reconnection: what happened in between is not sent again.
  source.addEventListener("open", () => htmx.trigger(document.body, "changed"));
  source.addEventListener("changed", () => htmx.trigger(document.body, "changed"));
  source.addEventListener("gone", () => location.reload());
  source.addEventListener("swap", (event) => {
    const { target, html, style } = JSON.parse((event as MessageEvent<string>).data) as Swap;
    const element = document.getElementById(target);
    if (element && !element.contains(document.activeElement)) htmx.swap(element, html, { swapStyle: style, swapDelay: 0, settleDelay: 0 });
  });
}

export function watchLive(): void {
  const follow = (): void => {
    const address = document.querySelector<HTMLElement>("[data-live]")?.dataset.live;
    if (address && document.visibilityState === "visible") {
      if (!source) connect(address);
    } else {
      source?.close();
      source = undefined;
    }
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => {
    source?.close();
    source = undefined;
  });
  addEventListener("pageshow", follow);
}
