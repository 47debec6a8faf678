// Theme, row height and single keys change at once and are saved on the account; language needs a new page.
const root = document.documentElement;
const show = {
  theme: v => { if (v) root.dataset.theme = v; else delete root.dataset.theme; },
  density: v => { if (v) root.dataset.density = v; else delete root.dataset.density; },
  single_keys: v => { root.dataset.keys = v; },
};

document.addEventListener('submit', async e => {
  const form = e.target, choice = e.submitter;
  if (!form.matches('[data-preferences]') || !show[choice?.name]) return;
  e.preventDefault();
  const was = { ...root.dataset };
  show[choice.name](choice.value);
  const body = new FormData(form, choice);
  const answer = await fetch(form.action, { method: 'POST', body, headers: { 'HX-Request': 'true' } }).catch(() => null);
  if (!answer?.ok) { show[choice.name](choice.name === 'single_keys' ? was.keys : was[choice.name]); return; }
  document.querySelectorAll(`[data-preferences] [name="${choice.name}"]`).forEach(b => b.setAttribute('aria-pressed', String(b.value === choice.value)));
  document.dispatchEvent(new CustomEvent('say', { detail: choice.textContent.trim() }));
});
