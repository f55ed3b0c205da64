// A client of the Aver API that shares nothing with this module: plain fetch, written from the facts of the API alone
// (Basic exchange, then bearer, JSON bodies, paths below the base URL). It completes the flow of a check and the flow
// of a watchlist search, and fails on the first thing that is not as documented.
import assert from 'node:assert/strict';

const { BASE, KEY, SECRET, GROUP } = process.env;

async function call(method, path, { body, token, basic, status = 200 } = {}) {
  const headers = { 'Content-Type': 'application/json' };
  if (basic) headers.Authorization = 'Basic ' + Buffer.from(`${KEY}:${basic}`).toString('base64');
  if (token) headers.Authorization = 'Bearer ' + token;
  const answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

await call('GET', '/auth/token', { basic: 'wrong', status: 401 });
const { token: first } = await call('GET', '/auth/token', { basic: SECRET });
const claims = JSON.parse(Buffer.from(first.split('.')[1], 'base64url'));
assert.equal(claims.iss, 'self');
assert.equal(claims.exp - claims.iat, 1800);
const { token } = await call('POST', '/auth/refresh/', { token: first, body: { token: first } });

const created = await call('POST', '/check/create', {
  token,
  body: {
    thirdPartyIdentifier: 'node-1', groupId: GROUP, email: 'ana+WatchlistHitsFound@example.com', language: 'en', returnUrl: '', skipPersonalAccessCode: null,
    overrideThirdPartyIdentifier: null, checkTypes: null, supplementalDocumentTypes: null, watchlistSearchCategories: null, watchlistRecheckInterval: null,
  },
});
assert.match(created.url, /^http/);
const id = created.checkId;
const status = async () => (await call('GET', `/check/${id}`, { token })).status;
assert.equal(await status(), 'Created');
assert.match((await call('POST', `/check/${id}/accesslink`, { token, body: { language: 'es', returnUrl: null } })).url, /^http/);
assert.equal(await call('POST', `/check/${id}/personalinfo`, {
  token,
  body: {
    firstName: 'Ana', lastName: 'Reyes', middleName: null, dateOfBirth: '02/29/1992', gender: 'F', country: 'US',
    streetAddress1: '9 Elm Street', streetAddress2: null, city: 'Austin', stateOrProvince: 'TX', postalCode: '73301',
    email: null, ipAddress: null, companyName: null, suffix: null,
  },
}), 'success');
assert.equal(await status(), 'AwaitingUser');
await call('GET', `/check/${id}/submit`, { token, status: 400 });
assert.equal(await call('POST', `/check/${id}/phone`, { token, body: { number: '5125550123', country: 'US' } }), 'success');

const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
for (const side of ['Front', 'Back']) {
  assert.equal(await call('POST', `/check/${id}/iddocument`, {
    token, body: { forceCommit: true, docType: 'NADriverLicense', side, fileName: `${side}.png`, fileContent: png },
  }), 'success');
}
assert.match((await call('GET', `/check/${id}/photoinstruction`, { token })).instruction, /^(None|Look\w+)$/);
assert.equal(await call('POST', `/check/${id}/photodocument`, { token, body: { fileName: 'me.png', fileContent: png } }), 'success');
assert.equal(await call('POST', `/check/${id}/photodocument`, { token, body: { forceCommit: null, fileName: 'me.png', fileContent: png, extended: true } }), 'success');
assert.equal(await call('POST', `/check/${id}/supplementaldocument`, { token, body: { docType: 'UtilityBill', fileName: 'bill.png', fileContent: png } }), 'success');

const submitted = await call('GET', `/check/${id}/submit`, { token });
assert.ok(submitted.status);
const results = await call('GET', `/check/${id}/results`, { token });
assert.equal(results.status, 'Completed');
assert.deepEqual(results.warnings, ['WatchlistHitsFound']);
assert.equal(results.checkResults.personalInformation.lastName, 'Reyes');
for (const spelling of ['checkdoc', 'checkdocument', 'checkdocid']) {
  assert.equal((await call('GET', `/${spelling}/${id}/${results.checkResults.photoVerification.id}`, { token })).base64, png);
}
assert.equal((await call('GET', '/check/getbythirdpartyidentifier/node-1', { token })).id, id);
assert.equal((await call('POST', '/checklookup', { token, body: { lastName: 'Reyes', firstName: null, email: null, thirdPartyIdentifier: null } }))[0].id, id);
const ofCheck = await call('GET', `/watchlist/getbycheckid/${id}`, { token });
assert.equal(ofCheck.id, results.checkResults.watchlistSearchId);

const search = await call('POST', '/watchlist/search', {
  token,
  body: {
    groupId: GROUP, checkId: null, firstName: 'Ana', middleName: null, lastName: 'Reyes+hits-2', businessName: null,
    country: null, stateOrProvince: null, fileContent: null, fileName: null, categories: null,
  },
});
assert.equal((await call('GET', `/watchlist/${search.id}`, { token })).status, 'Completed');
const found = await call('GET', `/watchlist/${search.id}/results`, { token });
assert.equal(found.watchlistResults.length, 2);
assert.deepEqual(found.adverseMediaResults, []);
assert.ok((await call('GET', `/watchlist/${search.id}/searchedlists`, { token })).every((l) => l.name && l.version));
console.log('both flows are complete');
