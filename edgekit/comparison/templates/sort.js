for (const [column, head] of document.querySelectorAll("#points thead th").entries()) {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const falls = head.ariaSort === "ascending";
    for (const other of head.parentElement.children) other.ariaSort = null;
    head.ariaSort = falls ? "descending" : "ascending";
    const body = document.querySelector("#points tbody");
    const value = (row) => row.children[column].dataset.value;
    const rows = [...body.rows].sort((one, two) => {
      const [a, b] = [value(one), value(two)];
      const difference = a - b;
      return Number.isNaN(difference)
        ? a.localeCompare(b, "en", { numeric: true }) : difference;
    });
    body.append(...(falls ? rows.reverse() : rows));
  });
}
