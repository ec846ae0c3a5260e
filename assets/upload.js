// Uploads of a bot's Knowledge page: one request for each file, two at a time, with true progress. They go straight to the
// API, because the page's own socket would read a whole file before it asks who sends it.
const AT_ONCE = 2;
const MAX_BYTES = 25 * 1024 * 1024;
const LOST = "The connection broke while the file was sent. Check it and try again.";

// {id, bot, file, state: waiting|sending|storing|copy|refused|failed, share, reason, request, row}
const uploads = [];
let next = 1;

function reasonAgainst(file) {
  const endings = document.querySelector("[data-file-input]").accept.split(",");
  if (!endings.some((ending) => file.name.toLowerCase().endsWith(ending))) {
    if (/\.(doc|dot|pages)$/i.test(file.name)) return "Save it as .docx or PDF, then add it again.";
    if (/\.(xls|xlsb|ods|numbers)$/i.test(file.name)) return "Save it as .xlsx or CSV, then add it again.";
    if (/\.(ppt|pps|odp|key)$/i.test(file.name)) return "Save it as .pptx or PDF, then add it again.";
    return "This type cannot be read. Use PDF, Word, Excel, PowerPoint, EPUB, CSV, HTML, Markdown or text.";
  }
  if (file.size === 0) return "The file is empty. Check that it was saved, then add it again.";
  if (file.size > MAX_BYTES) return `The file has ${megabytes(file.size)}; the limit is 25 MB. Split it, or save it without pictures.`;
  return "";
}

const megabytes = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const zone = () => document.querySelector("[data-knowledge]");
const mine = () => uploads.filter((upload) => upload.bot === zone()?.dataset.knowledge);
const busy = (upload) => ["waiting", "sending", "storing"].includes(upload.state);

function add(files) {
  const bot = zone()?.dataset.knowledge;
  if (!bot) return;
  if (files.length) say("");
  for (const file of files) {
    const reason = reasonAgainst(file);
    uploads.push({ id: next++, bot, file, state: reason ? "refused" : "waiting", share: 0, reason });
  }
  pump();
  draw();
}

function pump() {
  const free = AT_ONCE - uploads.filter(({ state }) => state === "sending" || state === "storing").length;
  uploads.filter(({ state }) => state === "waiting").slice(0, Math.max(0, free)).forEach(send);
}

function send(upload) {
  const request = new XMLHttpRequest();
  upload.request = request;
  upload.state = "sending";
  upload.share = 0;
  request.open("POST", `/api/v1/bots/${upload.bot}/sources`);
  request.setRequestHeader("Accept", "application/json");
  request.upload.onprogress = ({ lengthComputable, loaded, total }) => {
    if (lengthComputable) upload.share = loaded / total;
    draw();
  };
  request.upload.onload = () => {
    upload.state = "storing";
    upload.share = 1;
    draw();
  };
  request.onload = () => answered(upload, request);
  request.onerror = () => ended(upload, LOST);
  request.onabort = () => {
    remove(upload);
    pump();
  };
  const body = new FormData();
  body.append("file", upload.file, upload.file.name);
  request.send(body);
}

function answered(upload, request) {
  let body = {};
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // a proxy's page, perhaps
  }
  if (request.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
    return;
  }
  const [source] = body.items || [];
  if (request.status < 300 && source?.copy_of) {
    copied(upload, source);
    return;
  }
  const refused = source?.error?.message;
  if (request.status < 300 && !refused) {
    remove(upload);
    tellPage();
    pump();
    return;
  }
  if (request.status < 300 || request.status === 413) tellPage(); // there is a row that says so
  ended(upload, refused || body.detail || `The server answered ${request.status}. Try again in a moment.`);
}

// What is there already is not added again: the page shows where it is.
function copied(upload, source) {
  upload.state = "copy";
  upload.reason = `You have this already: it is in “${source.title}”.`;
  window.uploadCopy = source.copy_of;
  document.querySelector("[data-copied]")?.click();
  pump();
  draw();
}

function ended(upload, reason) {
  upload.state = "failed";
  upload.reason = reason;
  say(`${upload.file.name}: ${reason}`);
  pump();
  draw();
}

// The page learns of a new source by a button of its own, so that the list is read through its own checks.
const tellPage = () => document.querySelector("[data-uploaded]")?.click();

function remove(upload) {
  upload.row?.remove();
  const at = uploads.indexOf(upload);
  if (at >= 0) uploads.splice(at, 1);
  draw();
}

function retry(upload) {
  upload.reason = reasonAgainst(upload.file);
  upload.state = upload.reason ? "refused" : "waiting";
  pump();
  draw();
}

const make = (name, className, text = "") => {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
};

function button(text, label, onclick) {
  const node = make("button", "upload-button", text);
  node.type = "button";
  node.setAttribute("aria-label", label);
  node.onclick = onclick;
  return node;
}

function makeRow(upload) {
  const row = make("li", "upload-row");
  const name = make("span", "upload-name", upload.file.name);
  name.title = upload.file.name;
  const head = make("div", "upload-head");
  head.append(name, make("span", "upload-note number"), make("span", "upload-actions"));
  const bar = make("div", "upload-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", `Upload of ${upload.file.name}`);
  bar.append(make("span", ""));
  row.append(head, bar, make("p", "field-error"));
  return row;
}

const NOTES = {
  waiting: () => "waiting",
  sending: ({ share, file }) => `${Math.round(share * 100)}% of ${megabytes(file.size)}`,
  storing: () => "storing…",
  copy: () => "not added again",
  refused: () => "not sent",
  failed: () => "not added",
};

function drawRow(upload) {
  upload.row ??= makeRow(upload);
  const { row, state } = upload;
  const [note, actions, bar, problem] = [".upload-note", ".upload-actions", ".upload-bar", "p"].map((part) =>
    row.querySelector(part),
  );
  note.textContent = NOTES[state](upload);
  bar.hidden = !busy(upload);
  bar.firstChild.style.width = `${upload.share * 100}%`;
  bar.setAttribute("aria-valuenow", Math.round(upload.share * 100));
  problem.hidden = !upload.reason || busy(upload);
  problem.textContent = upload.reason;
  problem.className = state === "copy" ? "field-hint" : "field-error";
  if (row.dataset.state === state) return;
  row.dataset.state = state;
  const name = upload.file.name;
  const stop = () => (upload.request && busy(upload) && state !== "waiting" ? upload.request.abort() : remove(upload));
  actions.replaceChildren(
    ...(state === "failed" ? [button("Try again", `Send ${name} again`, () => retry(upload))] : []),
    ...(state === "storing" ? [] : [button(busy(upload) ? "Cancel" : "Dismiss", `${busy(upload) ? "Cancel the upload of" : "Dismiss"} ${name}`, stop)]),
  );
}

function draw() {
  const list = document.querySelector("[data-uploads]");
  if (!list) return;
  const shown = mine();
  shown.forEach(drawRow);
  const rows = shown.map(({ row }) => row);
  // moving a row would take the focus from its buttons
  if (rows.length !== list.children.length || rows.some((row, at) => row !== list.children[at])) list.replaceChildren(...rows);
  list.hidden = shown.length === 0;
}

function say(text) {
  const live = document.querySelector("[data-upload-live]");
  if (live) live.textContent = text;
}

// A folder looks like a file of no type that cannot be read.
function dropped(transfer) {
  const entries = [...transfer.items].map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  if (entries.some(([entry]) => entry?.isDirectory)) say("Folders cannot be added. Open the folder and drop its files.");
  return entries.filter(([entry, file]) => file && !entry?.isDirectory).map(([, file]) => file);
}

const carriesFiles = (event) => zone() && [...(event.dataTransfer?.types || [])].includes("Files");
let over = 0;
const mark = (on) => zone()?.toggleAttribute("data-over", on);

addEventListener("dragenter", (event) => carriesFiles(event) && (over++, mark(true)));
addEventListener("dragleave", (event) => carriesFiles(event) && --over <= 0 && ((over = 0), mark(false)));
addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  over = 0;
  mark(false);
  add(dropped(event.dataTransfer));
});
addEventListener("click", (event) => {
  if (event.target.closest?.("[data-choose-files]")) document.querySelector("[data-file-input]")?.click();
});
function take(input) {
  if (!input?.files.length) return;
  add([...input.files]);
  input.value = ""; // the same file can be chosen again
}
addEventListener("change", (event) => event.target.matches?.("[data-file-input]") && take(event.target));
addEventListener("beforeunload", (event) => uploads.some(busy) && event.preventDefault());

// Called whenever the page was drawn anew, perhaps with uploads under way from before, or with files that were chosen
// before this script was there.
export function mount() {
  take(document.querySelector("[data-file-input]"));
  draw();
}
