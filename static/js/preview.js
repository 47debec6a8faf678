// A row opens in the pane beside the list where there is room for one; on narrow screens it is a page of its own.
const wide = matchMedia('(width >= 64rem)');

document.addEventListener('click', e => {
  if (!wide.matches && e.target.closest?.('[data-preview-link]')) e.stopImmediatePropagation();
}, true);
