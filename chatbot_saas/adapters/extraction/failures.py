"""Why a file can be refused. Each message is for the customer who uploaded it: the reason, then what to do."""

from chatbot_saas.adapters.extraction import ExtractionError


class FileEmptyError(ExtractionError):
    """The file is empty (0 bytes). Check that it was saved completely and upload it again."""

    code = "file_empty"


class FileEncryptedError(ExtractionError):
    """The file is protected with a password. Save a copy without the password and upload that."""

    code = "file_encrypted"


class FileTruncatedError(ExtractionError):
    """The file is incomplete: its end is missing. It was probably cut off while copying. Upload the complete file."""

    code = "file_truncated"


class FileDamagedError(ExtractionError):
    """The file is damaged and cannot be read. Open it on your computer, save it as a new file and upload that."""

    code = "file_damaged"


class FileMislabelledError(ExtractionError):
    """The content of the file does not match its name. Save it in the format that its name says and upload it again."""

    code = "file_mislabelled"


class TypeUnsupportedError(ExtractionError):
    """This type of file cannot be read. Upload a PDF, DOCX, XLSX, PPTX, EPUB, CSV, HTML, MD or TXT file."""

    code = "type_unsupported"


class FileTooManyPagesError(ExtractionError):
    """The file has too many pages. Split it into smaller files and upload those."""

    code = "file_too_many_pages"


class FileTooManyRowsError(ExtractionError):
    """The file has too many rows. Split it into smaller files and upload those."""

    code = "file_too_many_rows"


class FileBombError(ExtractionError):
    """The file unpacks to far more data than a document should hold. Save its text as a new file and upload that."""

    code = "file_bomb"


class FileTooMuchTextError(ExtractionError):
    """The file holds too much text. Split it into smaller files and upload those."""

    code = "file_too_much_text"


class FileNoTextError(ExtractionError):
    """No text was found in the file."""

    code = "file_no_text"


class FileTooSlowError(ExtractionError):
    """Reading the file took too long. Split it into smaller files, or save its text as a new file, and upload again."""

    code = "file_too_slow"


class FileTooMuchMemoryError(ExtractionError):
    """Reading the file needs too much memory. Split it into smaller files and upload those."""

    code = "file_too_much_memory"


class FileCrashesReaderError(ExtractionError):
    """The file made its reader break down, twice. Open it on your computer, save it as a new file and upload that."""

    code = "file_crashes_reader"
