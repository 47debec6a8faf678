// Menus are popovers: they open next to their button, arrows move inside, Escape and choice close them.
document.addEventListener('toggle', e => {
  const menu = e.target;
  if (!menu.matches?.('.menu')) return;
  const opener = document.querySelector(`[popovertarget="${menu.id}"]:focus`) ?? document.querySelector(`[popovertarget="${menu.id}"]`);
  opener?.setAttribute('aria-expanded', String(e.newState === 'open'));
  if (e.newState !== 'open' || !opener) return;
  const at = opener.getBoundingClientRect();
  const up = at.bottom + menu.offsetHeight > innerHeight - 8;
  menu.style.top = `${Math.max(8, up ? at.top - menu.offsetHeight - 4 : at.bottom + 4) + scrollY}px`;
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.querySelector('a, button, input:not([type="hidden"])')?.focus();
}, true);

document.addEventListener('keydown', e => {
  const menu = e.target.closest?.('.menu');
  if (!menu || (e.key !== 'ArrowDown' && e.key !== 'ArrowUp')) return;
  e.preventDefault();
  const items = [...menu.querySelectorAll('a, button, input:not([type="hidden"])')].filter(i => i.checkVisibility());
  items[(items.indexOf(e.target) + (e.key === 'ArrowDown' ? 1 : -1) + items.length) % items.length].focus();
});
document.addEventListener('click', e => {
  const item = e.target.closest?.('.menu a, .menu button');
  if (item && !item.closest('[data-preferences]')) item.closest('.menu').hidePopover?.();
});
