// How long a text is while it is typed: an element with data-counts="<id of a field>" shows the number of characters.
const numbers = new Intl.NumberFormat();

addEventListener("input", ({ target }) => {
  const shown = target.id && document.querySelector(`[data-counts="${CSS.escape(target.id)}"]`);
  // as the server counts them: what a browser holds as two units may be one character
  if (shown) shown.firstChild.data = numbers.format([...target.value].length);
});
