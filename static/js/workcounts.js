// After an action on My work: the heads of groups and the rail's numbers are brought up to date, and nothing moves.
// HX-Trigger-After-Settle: {"work-counts": {"group-2": 5, "nav-dashboard:my_work": 41}}; a group that is not named is empty.
document.addEventListener('work-counts', e => {
  const numbers = e.detail;
  document.querySelectorAll('[data-count]').forEach(place => {
    const name = place.dataset.count, left = name.startsWith('group-') ? numbers[name] ?? 0 : numbers[name];
    if (left === undefined) return;
    place.textContent = left;
    const around = place.closest('.n, tr.group');
    // A head stays while rows stand under it, such as one that somebody else was faster with.
    if (around) around.hidden = !left && !around.nextElementSibling?.matches('[data-row]');
  });
});
