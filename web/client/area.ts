// Where the browser keeps words for the page. Where the visitor has forbidden it: memory, which lasts as long as the page.

export interface Area {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

class MemoryArea implements Area {
  private readonly values = new Map<string, string>();

  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }

  removeItem(key: string): void {
    this.values.delete(key);
  }
}

/** Shared by all tabs, and kept between visits. */
export const lastingArea: Area = openArea(() => localStorage);

/** Of this tab alone. */
export const tabArea: Area = openArea(() => sessionStorage);

function openArea(find: () => Storage): Area {
  try {
    const area = find();
    area.setItem("deskhand.probe", "1");
    area.removeItem("deskhand.probe");
    return area;
  } catch (error) {
    if (error instanceof DOMException) return new MemoryArea();
    throw error;
  }
}
