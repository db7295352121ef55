/** What is wrong when a request for the server is answered with a web page. */
export const whyWebPage = (status: number): string =>
  status === 413
    ? 'a proxy before the server refuses files of this size; raise its limit (nginx: client_max_body_size)'
    : 'the address is not that of a Headroom server, or a proxy before it cannot reach it';
