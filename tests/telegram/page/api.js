// The control API of the simulator, as the page uses it. Addresses are relative, so that the page
// works behind any proxy that passes on /simulator/.

export async function control(operation, params = {}, signal = undefined) {
  const response = await fetch(`control/${operation}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(params),
    signal,
  });
  const answer = await response.json();
  if (!answer.ok) throw new Error(answer.error);
  return answer.result;
}

export const fileAddress = (fileId) => `file/${encodeURIComponent(fileId)}`;
export const $ = (id) => document.getElementById(id);

// An element with properties, dataset and children; text children are never read as HTML.
export function element(tag, { dataset = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
