// Draws the page's figures as charts, with the Chart.js that the admin's theme brings, and as tables.

const figures = JSON.parse(document.getElementById("figures").textContent);
const style = getComputedStyle(document.querySelector(".dashboard"));
const colour = (name) => style.getPropertyValue(name).trim();
const COLOURS = ["--link", "--uneasy", "--upset"].map(colour);

function series(name) {
  if (name === "topics") return [Object.keys(figures.topics), { "Mean mood": Object.values(figures.topics) }];
  return [figures.labels, figures[name]];
}

function draw(canvas) {
  const name = canvas.dataset.chart;
  const [labels, values] = series(name);
  const datasets = Object.entries(values).map(([label, data], place) => ({
    label,
    data,
    borderColor: COLOURS[place],
    backgroundColor: COLOURS[place],
    borderWidth: 2,
    pointRadius: labels.length > 31 ? 0 : 2,
    spanGaps: true,
    tension: 0.25,
  }));
  const grid = { color: colour("--line") };
  const ticks = { color: colour("--quiet"), maxTicksLimit: 12 };
  const ends = name === "volume" ? { beginAtZero: true } : { min: -1, max: 1 };
  new Chart(canvas, {
    type: name === "topics" ? "bar" : "line",
    data: { labels, datasets },
    options: {
      animation: false,
      maintainAspectRatio: false,
      plugins: { legend: { labels: { color: colour("--strong") } } },
      scales: { x: { grid, ticks }, y: { grid, ticks, ...ends } },
    },
  });
}

function fill(table) {
  const [labels, values] = series(table.dataset.table);
  const head = table.insertRow();
  for (const text of ["", ...Object.keys(values)]) cell(head, "th", text);
  labels.forEach((label, place) => {
    const row = table.insertRow();
    cell(row, "th", label);
    for (const numbers of Object.values(values)) cell(row, "td", numbers[place] ?? "–");
  });
}

function cell(row, kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  row.append(made);
}

for (const canvas of document.querySelectorAll("[data-chart]")) draw(canvas);
for (const table of document.querySelectorAll("[data-table]")) fill(table);
