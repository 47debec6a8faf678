// Filters apply themselves: a chip when it changes, the text filter when typing pauses. Without script: Apply.
let timer;
const send = form => form?.requestSubmit();

document.addEventListener('change', e => {
  if (e.target.matches?.('[data-auto-submit]')) send(e.target.form);
});
document.addEventListener('input', e => {
  if (!e.target.matches?.('[data-list-filter]') || !e.target.form?.matches('[hx-get],[hx-post]')) return;
  clearTimeout(timer);
  timer = setTimeout(send, 300, e.target.form);
});
// Quick dates: <button type="button" data-set-date="2026-11-18" data-for="id_due_on">Tomorrow</button>
document.addEventListener('click', e => {
  const button = e.target.closest?.('[data-set-date]');
  const field = button && document.getElementById(button.dataset.for);
  if (!field) return;
  field.value = button.dataset.setDate;
  field.dispatchEvent(new Event('change', { bubbles: true }));
  field.focus();
});
