import { readFileSync } from 'node:fs'

export interface SystemUser {
  uid: number
  gid: number
}

/** Whom to run a server as that refuses root; undefined when we aren't root ourselves. */
export function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const passwd = readFileSync('/etc/passwd', 'utf8')
  const user = findUser(passwd, 'postgres') ?? findUser(passwd, 'nobody')
  if (!user) throw new Error('Postgres refuses to run as root, and there is neither a user "postgres" nor "nobody"')
  return user
}

function findUser(passwd: string, name: string): SystemUser | undefined {
  const [, , uid, gid] =
    passwd
      .split('\n')
      .find(line => line.startsWith(`${name}:`))
      ?.split(':') ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}
