// The Book button names the chosen time; a time picked on the grid is picked in the finder too.
const name = () => document.querySelector('.finder-book [data-slot-name]');

function say() {
  const chosen = document.querySelector('.finder-book input[name="slot"]:checked');
  const words = chosen?.dataset.name ?? otherTime();
  if (words && name()) name().textContent = words;
}
function otherTime() {
  const day = document.getElementById('id_other_day')?.value, time = document.getElementById('id_other_time')?.value;
  if (!day || !time) return '';
  const at = new Date(`${day}T${time}`);
  return at.toLocaleString(document.documentElement.lang, { weekday: 'short', hour: 'numeric', minute: '2-digit' });
}

document.addEventListener('change', e => {
  if (!e.target.closest?.('.finder-book')) return;
  if (/^other_(day|time)$/.test(e.target.name)) {
    const other = document.querySelector('.finder-book input[name="slot"][value="other"]');
    if (other) other.checked = true;
  }
  say();
});
document.addEventListener('click', e => {
  const link = e.target.closest?.('a[data-slot]');
  const radio = link && !e.ctrlKey && !e.metaKey && !e.shiftKey && document.querySelector(`.finder-book input[value="${CSS.escape(link.dataset.slot)}"]`);
  if (!radio || !radio.checkVisibility()) return;
  e.preventDefault();
  radio.checked = true;
  document.querySelectorAll('a.ev.open').forEach(a => { a.classList.toggle('sel', a === link); a.toggleAttribute('aria-current', a === link); });
  radio.focus();
  say();
});
document.addEventListener('htmx:afterSettle', say);
say();
