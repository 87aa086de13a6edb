// A certified OpenID Connect provider (oidc-provider) for the tests: `node provider.mjs PORT`.
// Anybody signs in under any name and any password; `careless-…` has an address that nobody verified.
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);

const account = (id) => ({
  accountId: id,
  claims: () => ({
    sub: id,
    name: id,
    email: `${id}@example.com`,
    email_verified: !id.startsWith('careless-'),
  }),
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'breakwater',
      client_secret: 'a secret of the tests: +/&=',
      // A native client may come back to any port of this machine (RFC 8252 section 7.3).
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/api/v1/auth/providers/certified/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  pkce: { methods: ['S256'], required: () => true },
  findAccount: (_, id) => account(id),
  cookies: { keys: ['only for tests'] },
});

provider.listen(port, '127.0.0.1');
