/** What a file system takes a name for: macOS and Windows tell names apart neither by case nor by how letters are composed. */
export function nameOnDisk(name: string): string {
  return name.normalize('NFC').toLowerCase()
}
