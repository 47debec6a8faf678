// New work is announced by a bar; the list a person is reading never moves by itself.
const EVERY = 60_000;

async function look(bar) {
  if (document.hidden) return;
  const url = new URL(bar.dataset.liveCount, location.href);
  url.searchParams.set('since', bar.dataset.since);
  const answer = await fetch(url, { headers: { 'X-Background': '1', Accept: 'application/json' }, redirect: 'error' }).catch(() => null);
  if (!answer?.ok) return;
  const { count, text } = await answer.json();
  const words = bar.querySelector('[data-text]'), news = count > 0 && words.textContent !== text;
  bar.hidden = !count;
  words.textContent = count ? text : '';
  if (news) document.dispatchEvent(new CustomEvent('say', { detail: text }));
}
setInterval(() => document.querySelectorAll('[data-live-count]').forEach(look), EVERY);
