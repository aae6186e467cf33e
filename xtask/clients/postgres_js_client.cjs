// postgres.js: the words of its option `ssl`, or an object for Node's TLS.
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const postgres = require('postgres')
const { pipeline } = require('node:stream/promises')
const { Readable } = require('node:stream')
const { ROWS, assert, serve, textOf, tlsOptions } = require('./serve.cjs')

class Session {
  static async connect (request) {
    const words = { disable: false, prefer: 'prefer' }
    const session = new Session()
    session.sql = postgres({
      host: request.host,
      port: Number(request.port),
      user: request.user,
      password: request.password,
      database: request.dbname,
      connect_timeout: 10,
      max: 1,
      backoff: 0,
      fetch_types: false,
      onnotice: () => {},
      sslnegotiation: request.sslnegotiation,
      ssl: words[request.sslmode] ?? tlsOptions(request)
    })
    await session.one().catch(async error => {
      // Of a connection that failed there is nothing to wait for.
      await session.sql.end({ timeout: 0 })
      throw error
    })
    return session
  }

  async one () {
    const rows = await this.sql`select 1 as one`
    assert.deepStrictEqual([...rows], [{ one: 1 }])
  }

  async prepared () {
    for (const value of [41, 1]) {
      const rows = await this.sql`select ${value}::int + 1 as next`
      assert.deepStrictEqual([...rows], [{ next: value + 1 }])
    }
  }

  async copy (table) {
    await this.sql.unsafe(`create table ${table} (a int, b text)`)
    await pipeline(Readable.from([ROWS]), await this.sql.unsafe(`copy ${table} from stdin`).writable())
    assert.strictEqual(await textOf(await this.sql.unsafe(`copy ${table} to stdout`).readable()), ROWS)
    await this.sql.unsafe(`drop table ${table}`)
  }

  async cancel (statement) {
    const query = this.sql.unsafe(statement)
    const ended = query.then(() => false, error => {
      if (error.code === '57014') return true
      throw error
    })
    // It is sent in the next turn of the event loop; one that was never sent needs no CancelRequest.
    await new Promise(resolve => setTimeout(resolve, 100))
    query.cancel()
    return ended
  }

  async close () {
    await this.sql.end({ timeout: 5 })
  }
}

// The package keeps its manifest from `require`.
const manifest = path.join(process.env.NODE_PATH, 'postgres/package.json')
serve(`postgres.js ${JSON.parse(fs.readFileSync(manifest)).version}`, Session.connect)
