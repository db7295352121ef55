import { AlertDialog } from '@base-ui/react/alert-dialog';
import { buttonClass } from './Button';
import { NoLonger } from './Remark';

export interface ConfirmProps {
  open: boolean;
  title: string;
  text: string;
  yes: string;
  /** Why it cannot be done any more; null = it can. */
  why?: string | null;
  onYes(): void;
  onClose(): void;
}

/** The content of Confirm. */
export default function ConfirmBody({ open, title, text, yes, why = null, onYes, onClose }: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <AlertDialog.Popup className="fixed top-1/2 left-1/2 z-50 w-[calc(100vw-1rem)] max-w-sm -translate-x-1/2 -translate-y-1/2 rounded border border-line bg-panel p-4 shadow-2xl shadow-black/40 outline-none">
          <AlertDialog.Title className="text-sm font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1 text-dim">{text}</AlertDialog.Description>
          <NoLonger why={why} />
          <div className="mt-4 flex justify-end gap-2">
            <AlertDialog.Close className={buttonClass('plain')}>Cancel</AlertDialog.Close>
            <AlertDialog.Close disabled={why !== null} className={buttonClass('danger')} onClick={onYes}>
              {yes}
            </AlertDialog.Close>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
