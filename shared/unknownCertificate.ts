/** What helps when a server's TLS certificate is not trusted, by the code of Node's error; null: an error of another kind. */
export const certificateHelp = (code: string | undefined): string | null =>
  /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code ?? '')
    ? 'name the file of the certificate that signed it in NODE_EXTRA_CA_CERTS'
    : null;
