/** The dashboard's server: what it serves to whom. */
import { request } from "node:http";
import { expect, test } from "vitest";
import { PageServer } from "../../cli/dashboard/pageServer.ts";

const served = { page: () => "<p>page</p>", snapshot: () => '{"n":1}' };

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** Asks for a path; resolves with all that came, once the connection has ended. */
const ask = (port: number, path: string, { method = "GET", host = `127.0.0.1:${port}` } = {}) =>
  new Promise<Answer>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers: { host }, agent: false }, (response) => {
      let text = "";
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode!, type: response.headers["content-type"], text }));
    });
    asked.on("error", reject);
    asked.end();
  });

test("the page, and events that begin with all there is", async () => {
  const server = await PageServer.open(0, served);
  const { port } = server;
  expect(server.address).toBe(`http://127.0.0.1:${port}/`);
  expect(await ask(port, "/")).toMatchObject({ status: 200, text: "<p>page</p>" });
  expect(await ask(port, "/", { host: `localhost:${port}` })).toMatchObject({ status: 200 });
  const listening = ask(port, "/events");
  while (!server.isWatched) await new Promise((resolve) => setTimeout(resolve, 5));
  server.send("update", '{"n":2}');
  await server.close("{}");
  expect(await listening).toEqual({
    status: 200,
    type: "text/event-stream",
    text: 'event: snapshot\ndata: {"n":1}\n\nevent: update\ndata: {"n":2}\n\nevent: end\ndata: {}\n\n',
  });
  await expect(ask(port, "/")).rejects.toThrow("ECONNREFUSED");
});

test("a foreign host, other methods and other paths are refused", async () => {
  const server = await PageServer.open(0, served);
  const { port } = server;
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", `127.0.0.1:${port}.evil.example`])
    for (const path of ["/", "/events"]) expect((await ask(port, path, { host })).status, host).toBe(403);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
    expect((await ask(port, "/", { method })).status, method).toBe(405);
  expect((await ask(port, "/../package.json")).status).toBe(404);
  await server.close("{}");
});

test("a port that is taken is an error, or the next one is used", async () => {
  const first = await PageServer.open(0, served);
  await expect(PageServer.open(first.port, served)).rejects.toThrow(
    `the dashboard cannot be served on port ${first.port}: another program listens there; name another port`,
  );
  const next = await PageServer.openFrom(first.port, served);
  expect(next.port).toBeGreaterThan(first.port);
  await Promise.all([first.close("{}"), next.close("{}")]);
});
