// Whoever types in the dashboard keeps the focus, until somebody goes into the preview. Before both of its pages.
let entered = false;
for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => (entered = true), true);
const { focus } = HTMLElement.prototype;
HTMLElement.prototype.focus = function (options) {
  if (entered) focus.call(this, options);
};
