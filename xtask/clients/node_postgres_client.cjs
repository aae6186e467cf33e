// node-postgres: TLS or none by the option `ssl`; neither `allow` nor `prefer`.
'use strict'
const pg = require('pg')
const copy = require('pg-copy-streams')
const { pipeline } = require('node:stream/promises')
const { Readable } = require('node:stream')
const { ROWS, assert, serve, textOf, tlsOptions } = require('./serve.cjs')

class Session {
  static async connect (request) {
    const config = {
      host: request.host,
      port: Number(request.port),
      user: request.user,
      password: request.password,
      database: request.dbname,
      connectionTimeoutMillis: 10000,
      enableChannelBinding: request.channel_binding === 'prefer',
      ssl: request.sslmode === 'disable' ? false : tlsOptions(request)
    }
    if (request.sslnegotiation) config.sslnegotiation = request.sslnegotiation
    const session = new Session()
    session.config = config
    session.client = new pg.Client(config)
    // What happens to a connection while no query runs is nobody's rejected promise.
    session.client.on('error', () => {})
    await session.client.connect()
    return session
  }

  async one () {
    const { rows } = await this.client.query('select 1 as one')
    assert.deepStrictEqual(rows, [{ one: 1 }])
  }

  async prepared () {
    for (const value of [41, 1]) {
      const { rows } = await this.client.query({ name: 'next', text: 'select $1::int + 1 as next', values: [value] })
      assert.deepStrictEqual(rows, [{ next: value + 1 }])
    }
  }

  async copy (table) {
    await this.client.query(`create table ${table} (a int, b text)`)
    await pipeline(Readable.from([ROWS]), this.client.query(copy.from(`copy ${table} from stdin`)))
    assert.strictEqual(await textOf(this.client.query(copy.to(`copy ${table} to stdout`))), ROWS)
    await this.client.query(`drop table ${table}`)
  }

  async cancel (statement) {
    const query = new pg.Query(statement)
    const ended = new Promise(resolve => {
      query.on('error', error => resolve(error.code === '57014'))
      query.on('end', () => resolve(false))
    })
    this.client.query(query)
    const canceller = new pg.Client(this.config)
    canceller.connection.on('error', () => {})
    const closed = new Promise(resolve => canceller.connection.on('end', resolve))
    canceller.cancel(this.client, query)
    await closed
    return ended
  }

  async close () {
    await this.client.end()
  }
}

serve(`node-postgres ${require('pg/package.json').version}`, Session.connect)
