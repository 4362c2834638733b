/** Equal for names that macOS or Windows treat as the same file: they ignore case and Unicode composition. */
export function nameOnDisk(name: string): string {
  return name.normalize('NFC').toLowerCase()
}
