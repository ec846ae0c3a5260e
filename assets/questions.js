// The CSV file of a bot's Q&A page. It goes straight to the API, which checks it; the page only learns what the API says.
const MAX_BYTES = 10 * 1024 * 1024;
const LOST = "The connection broke while the file was sent. Check it and try again.";
let file = null;

const place = () => document.querySelector("[data-questions]")?.dataset ?? {};

async function ask(mode, preview, version) {
  const told = { name: file?.name ?? "", status: 0, problem: "", lines: [], plan: null };
  if (!file) return { ...told, problem: "Choose the file again." };
  if (file.size > MAX_BYTES) return { ...told, problem: "The file is larger than 10 MB. Split it." };
  const { questions: bot, list } = place();
  const path = list ? `/api/v1/sources/${list}/pairs.csv?mode=${mode}&` : `/api/v1/bots/${bot}/pairs.csv?`;
  const headers = { "Content-Type": "text/csv", Accept: "application/json" };
  if (version) headers["If-Match"] = `"${version}"`;
  let response, body;
  try {
    response = await fetch(`${path}preview=${preview}`, { method: list ? "PUT" : "POST", headers, body: file });
    body = await response.json();
  } catch {
    return { ...told, problem: response ? `The server answered ${response.status}. Try again in a moment.` : LOST };
  }
  if (response.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  if (response.ok) return { ...told, status: response.status, plan: body };
  const lines = (body.problems ?? []).map(({ line, message }) => `Line ${line.toLocaleString()}: ${message}`);
  return { ...told, status: response.status, problem: lines.length ? "" : body.detail, lines };
}

export const look = (mode) => ask(mode, true, "");
export const send = (mode, version) => ask(mode, false, version);

addEventListener("click", (event) => {
  if (event.target.closest?.("[data-choose-csv]")) document.querySelector("[data-csv-input]")?.click();
});
addEventListener("change", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-csv-input]") || !input.files.length) return;
  [file] = input.files;
  input.value = ""; // the same file can be chosen again
  document.querySelector("[data-csv-chosen]")?.click();
});
