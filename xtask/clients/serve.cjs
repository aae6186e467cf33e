// The line protocol of README.md for the programs in JavaScript: one request a line, one answer a line.
//
// A program gives `serve` a way to connect; what a connection can do are its methods `one`, `prepared`, `copy`, `cancel`
// and `close`.
'use strict'
const assert = require('node:assert')
const fs = require('node:fs')
const readline = require('node:readline')

const ROWS = '1\tone\n2\t\\N\n'

/** What `tls.connect` is to be given for each of libpq's words. */
function tlsOptions (request) {
  const mode = request.sslmode
  const options = { rejectUnauthorized: mode.startsWith('verify-') }
  if (request.sslrootcert) options.ca = fs.readFileSync(request.sslrootcert)
  if (request.sslcert) {
    options.cert = fs.readFileSync(request.sslcert)
    options.key = fs.readFileSync(request.sslkey)
  }
  if (mode === 'verify-ca') options.checkServerIdentity = () => undefined
  return options
}

/** Gathers a stream. */
async function textOf (stream) {
  const parts = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function act (connect, action, request) {
  const answer = { ok: true }
  let session = await connect(request)
  try {
    if (action === 'reconnect') {
      await session.one()
      await session.close()
      session = await connect(request)
    } else if (action === 'prepared') {
      await session.prepared()
    } else if (action === 'copy') {
      await session.copy(request.table)
    } else if (action === 'cancel') {
      answer.canceled = await session.cancel(request.statement)
    }
    await session.one()
  } finally {
    await session.close()
  }
  return answer
}

async function serve (driver, connect) {
  process.stdout.write(JSON.stringify({ driver }) + '\n')
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [action, ...pairs] = line.split('\t')
    const request = Object.fromEntries(pairs.map(pair => {
      const end = pair.indexOf('=')
      return [pair.slice(0, end), pair.slice(end + 1)]
    }))
    const answer = await act(connect, action, request).catch(error => {
      const sqlstate = /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null
      return { error: `${error.name}: ${error.message}`, sqlstate }
    })
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit()
}

module.exports = { ROWS, assert, serve, textOf, tlsOptions }
