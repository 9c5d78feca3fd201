// The filter of the tables, and links to rows that are folded or filtered out. Without this script the page is complete.
const form = document.getElementById("filter");
const tables = [...document.querySelectorAll("details.suite")];

function apply() {
  const suite = form.suite.value, peer = form.peer.value, behind = form.behind.checked;
  const on = suite !== "" || peer !== "" || behind;
  let shown = 0;
  for (const table of tables) {
    let hits = 0;
    for (const row of table.querySelectorAll("tbody tr")) {
      const hit = (suite === "" || table.id === suite) && (peer === "" || row.dataset.peer === peer)
        && (!behind || row.dataset.verdict === "behind");
      row.hidden = !hit;
      hits += hit;
    }
    table.classList.toggle("filtered", peer !== "" || behind);
    table.hidden = on && hits === 0;
    if (on) table.open = hits > 0;
    shown += hits;
  }
  form.shown.value = shown.toLocaleString("en") + (shown === 1 ? " row" : " rows");
}

function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.closest("[hidden]")) {
    form.reset();
    apply();
  }
  const fold = target.closest("details");
  if (fold) fold.open = true;
  target.scrollIntoView({ block: target.matches("tr") ? "center" : "start" });
}

form.hidden = false;
form.addEventListener("change", apply);
form.addEventListener("submit", event => event.preventDefault());
form.all.addEventListener("click", () => { form.reset(); apply(); });
addEventListener("hashchange", reveal);
// A click on a link to the current anchor does not change the anchor, so it causes no event.
document.addEventListener("click", event => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) reveal();
});
apply();
reveal();
