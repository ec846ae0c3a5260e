// The preview of the Design page. Each change of the draft loads the page with the chat anew, behind the one that is seen,
// and takes its place once it is drawn: nothing flickers, and nothing is left over from what was set before.
const PAUSE = 300;
const PATIENCE = 4000;

/** Width and height of the page in it: its launcher is to be seen without scrolling. */
function size(phone) {
  const room = (least, most, beside) => Math.max(least, Math.min(most, innerHeight - beside));
  return phone ? [390, room(600, 740, 200)] : [560, room(520, 720, 330)];
}

/** `id`: of an empty element with `data-bot` and, as JSON, `data-draft`. */
export function show(id) {
  const stage = document.getElementById(id);
  if (!stage || stage.shown) return;
  stage.shown = true;
  let timer, behind;

  const fit = () => {
    const [width, height] = size(stage.dataset.device === "phone");
    const scale = Math.min(1, stage.clientWidth / width);
    stage.style.setProperty("--scale", scale);
    stage.style.height = `${height * scale + 2}px`;
    for (const shown of stage.querySelectorAll("iframe:not(.behind)")) shown.style.height = `${height}px`;
  };
  // its height follows from its width: set in the observer itself, it would be observed again
  new ResizeObserver(() => requestAnimationFrame(fit)).observe(stage);

  const draw = () => {
    if (!stage.dataset.draft) return;
    const draft = JSON.parse(stage.dataset.draft);
    behind?.remove();
    const next = document.createElement("iframe");
    behind = next;
    next.draft = draft;
    next.inert = true;
    next.className = "behind";
    next.title = "Preview of the chat";
    next.src = `/widget/preview/page?bot_id=${encodeURIComponent(stage.dataset.bot)}`;
    const seen = () => {
      clearTimeout(late);
      if (behind !== next) return;
      behind = null;
      stage.dataset.device = draft.phone ? "phone" : "desktop";
      fit();
      for (const old of stage.querySelectorAll("iframe")) if (old !== next) old.remove();
      next.inert = false;
      next.className = "";
    };
    const late = setTimeout(seen, PATIENCE);
    next.addEventListener("drawn", seen, { once: true });
    // as wide as it will be, so that it is laid out for that
    const [width, height] = size(draft.phone);
    Object.assign(next.style, { width: `${width}px`, height: `${height}px` });
    stage.append(next);
  };

  const soon = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(draw, ms);
  };
  new MutationObserver(() => soon(PAUSE)).observe(stage, { attributes: true, attributeFilter: ["data-draft"] });
  fit();
  soon(0);
}
