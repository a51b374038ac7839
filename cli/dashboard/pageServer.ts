/** Serves one page, and what is new of it, on the loopback interface: to this machine's user alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KilnError } from "../../runtime/program/error.ts";

const loopback = "127.0.0.1";

/** Where the page listens for what is new. */
export const eventsPath = "/events";

/** A page that lags so many bytes behind is cut off. It connects again, and gets the whole state. */
const mostBehind = 64 * 2 ** 20;

/** How long the last message may take, in milliseconds. */
const patience = 1000;

const headers = {
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** What is served. */
export interface Served {
  /** The HTML document. */
  page(): string;
  /** What a page gets first that listens: JSON. */
  snapshot(): string;
}

/** A server that keeps no process alive. Messages are server-sent events (the HTML standard, section 9.2), data in JSON. */
export class PageServer {
  readonly #listeners = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    private readonly served: Served,
    readonly port: number,
  ) {
    server.on("request", (request, response) => this.#answer(request, response));
  }

  /** Listens on `port`; 0 is any free one. Throws KilnError of kind "usage" where it is taken. */
  static async open(port: number, served: Served): Promise<PageServer> {
    const server = createServer();
    server.on("connection", (socket) => socket.unref());
    server.unref();
    await listen(server, port);
    return new PageServer(server, served, (server.address() as AddressInfo).port);
  }

  /** The first free port from `port` on. */
  static async openFrom(port: number, served: Served): Promise<PageServer> {
    for (let at = port; ; at++)
      try {
        return await PageServer.open(at, served);
      } catch (error) {
        if (!isTaken(error) || at - port >= 100) throw error;
      }
  }

  get address(): string {
    return `http://${loopback}:${this.port}/`;
  }

  /** Whether a page is open. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Sends a message to every open page. */
  send(event: "update" | "end", data: string): void {
    for (const listener of this.#listeners) {
      listener.write(message(event, data));
      if (listener.writableLength > mostBehind) listener.destroy();
    }
  }

  /** Sends a last message, waits a little until it has gone, and serves no more. */
  async close(data: string): Promise<void> {
    this.send("end", data);
    const ended = [...this.#listeners].map((listener) => new Promise<void>((done) => listener.end(done)));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all(ended),
      new Promise((done) => {
        timer = setTimeout(done, patience);
      }),
    ]);
    clearTimeout(timer);
    this.server.close();
    this.server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { port } = this;
    const refuse = (status: number, text: string, more = {}) =>
      response.writeHead(status, { ...headers, "Content-Type": "text/plain", ...more }).end(`${text}\n`);
    // A page of another site may point its own name at this address, and would then read what is served here.
    if (![`${loopback}:${port}`, `localhost:${port}`].includes(request.headers.host ?? ""))
      return void refuse(403, `Only ${this.address} is served.`);
    if (request.method !== "GET") return void refuse(405, "Only GET is served.", { Allow: "GET" });
    const [path] = (request.url ?? "").split("?");
    if (path === "/")
      response.writeHead(200, { ...headers, "Content-Type": "text/html; charset=utf-8" }).end(this.served.page());
    else if (path === eventsPath) this.#listen(response);
    else refuse(404, "There is nothing here.");
  }

  #listen(response: ServerResponse): void {
    response.writeHead(200, { ...headers, "Content-Type": "text/event-stream" });
    response.write(message("snapshot", this.served.snapshot()));
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
  }
}

/** JSON.stringify leaves no line break in what it gives, so a message's data is one line. */
const message = (event: string, data: string): string => `event: ${event}\ndata: ${data}\n\n`;

const isTaken = (error: unknown): boolean =>
  error instanceof KilnError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE"
          ? "another program listens there; name another port, or none, for the next free one"
          : cause.code === "EACCES"
            ? "permission denied; ports from 1024 on are for everybody"
            : cause.message;
      reject(new KilnError("usage", `the dashboard cannot be served on port ${port}: ${why}`, { cause }));
    };
    server.once("error", fail);
    server.listen(port, loopback, () => {
      server.off("error", fail);
      resolve();
    });
  });
}
