/** Keys of the image page: a link with `data-key="ArrowRight"` is followed by that key, and by the wheel. */

/** Fetches the neighbours of the picture ahead of time, so that stepping through a series does not wait. */
function fetchAhead(): void {
  const picture = document.getElementById("picture");
  for (const address of (picture?.dataset.ahead ?? "").split(" ").filter(Boolean)) new Image().src = address;
}

function follow(key: string): boolean {
  const link = document.querySelector<HTMLAnchorElement>(`a[data-key="${key}"][href]`);
  link?.click();
  return link !== null;
}

const KEYS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

export function watchKeys(): void {
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
    if (typing || event.altKey || event.ctrlKey || event.metaKey || !KEYS.has(event.key)) return;
    if (follow(event.key)) event.preventDefault();
  });
  let wheeled = 0;
  document.addEventListener(
    "wheel",
    (event) => {
      if (!(event.target instanceof Element) || !event.target.closest("figure") || event.ctrlKey) return;
      event.preventDefault();
      if (event.timeStamp - wheeled < 40 || event.deltaY === 0) return; // one turn of a wheel is many events
      wheeled = event.timeStamp;
      follow(event.deltaY > 0 ? "ArrowRight" : "ArrowLeft");
    },
    { passive: false },
  );
  document.addEventListener("htmx:afterSwap", fetchAhead);
  fetchAhead();
}
