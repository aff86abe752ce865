// A certified OpenID provider (npm oidc-provider), with people as the tests want them. Arguments: its port, the
// client's redirect URI, and who signs in, as JSON: {"login": {"sub": …, "email": …, "email_verified": …}}.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_PACKAGES}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

const [port, redirectUri, people] = process.argv.slice(2);
const known = JSON.parse(people);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "veritrail",
    client_secret: "a secret of: the tests & more",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  // Of the scope email, in the ID token itself.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_, login) => ({
    accountId: login,
    claims: () => ({ sub: login, ...known[login] }),
  }),
  cookies: { keys: ["for the tests"] },
  features: { devInteractions: { enabled: true } },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
// It ends with whoever started it.
process.stdin.resume().on("end", () => process.exit());
