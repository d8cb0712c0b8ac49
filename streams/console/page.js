const filter = document.querySelector(".filter");
const rows = [...document.querySelectorAll("#persons tbody tr")];
const apply = () => {
  const text = filter.elements.text.value.toLowerCase(), band = filter.elements.band.value;
  for (const row of rows)
    row.hidden = !`${row.dataset.name} ${row.textContent}`.toLowerCase().includes(text) || (band !== "" && row.dataset.band !== band);
  filter.querySelector("output").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
};
if (filter) { filter.hidden = false; filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault()); }
