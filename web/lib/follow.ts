const RETRY_MILLISECONDS = 3_000;

type Listener = { heard: (data: string) => void; lost: () => void };

/** Server-sent events until it is stopped: a browser comes back from a lost connection, not from a refusal. */
export function follow(url: string, { heard, lost }: Listener): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout>;
  const open = () => {
    source = new EventSource(url);
    source.onmessage = ({ data }) => heard(data);
    source.onerror = () => {
      lost();
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MILLISECONDS);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
