/** A store of objects on this device (IndexedDB), by key; what it cannot do it says by throwing. */
export interface Store<T> {
  put(value: T): Promise<void>
  remove(key: string): Promise<void>
  all(): Promise<T[]>
  clear(): Promise<void>
}

/** Open one store of its own database; the key is a property of what is kept. */
export function store<T>(database: string, name: string, keyPath: string): Store<T> {
  function open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(name, { keyPath })
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('no storage'))
    })
  }

  async function work<R>(mode: IDBTransactionMode, act: (objects: IDBObjectStore) => IDBRequest<R>): Promise<R> {
    const db = await open()
    try {
      return await new Promise<R>((resolve, reject) => {
        const transaction = db.transaction(name, mode)
        const request = act(transaction.objectStore(name))
        transaction.oncomplete = () => resolve(request.result)
        transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('no storage'))
      })
    } finally {
      db.close()
    }
  }

  return {
    put: async (value) => void (await work('readwrite', (objects) => objects.put(value))),
    remove: async (key) => void (await work('readwrite', (objects) => objects.delete(key))),
    all: () => work('readonly', (objects) => objects.getAll() as IDBRequest<T[]>),
    clear: async () => void (await work('readwrite', (objects) => objects.clear())),
  }
}
