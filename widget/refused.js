// Why a bot is not shown, for whoever looks into the browser's console. Fetched when it is not.
export function refused(id, status) {
  const site = location.origin;
  if (status === 403) return `${site} may not show bot ${id}. Add ${site} to the bot's allowed origins in the dashboard, then reload this page.`;
  if (status === 404) return `There is no published bot ${id}. Publish it in the dashboard, or copy the embed line again.`;
  return `Bot ${id} answers with status ${status}.`;
}
