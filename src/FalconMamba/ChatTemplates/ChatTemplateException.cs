namespace FalconMamba.ChatTemplates;

/// <summary>Why a chat template was refused.</summary>
public enum ChatTemplateErrorKind
{
    /// <summary>The template is no valid Jinja.</summary>
    Syntax,

    /// <summary>The template itself refused the conversation (<c>raise_exception</c>).</summary>
    Raised,

    /// <summary>Something that does not exist was used.</summary>
    Undefined,

    /// <summary>Something forbidden was used: a method that changes a value, or an attribute that starts with an underscore.</summary>
    Security,

    /// <summary>An operation does not suit its values.</summary>
    Runtime,

    /// <summary>A bound of <see cref="ChatTemplateLimits"/> was reached.</summary>
    Limit,
}

/// <summary>A chat template is wrong, refuses the conversation, or does not suit it.</summary>
public sealed class ChatTemplateException : Exception
{
    /// <summary>Creates the error for one place in a template.</summary>
    /// <param name="kind">Why the template was refused.</param>
    /// <param name="detail">The reason, without a final full stop.</param>
    /// <param name="line">The line, from 1; 0 where the fault has no place.</param>
    /// <param name="column">The column in UTF-16 units, from 1; 0 where the fault has no place.</param>
    /// <param name="innerException">The error that led here, if any.</param>
    public ChatTemplateException(ChatTemplateErrorKind kind, string detail, int line, int column, Exception? innerException = null)
        : base(line > 0 ? $"Chat template, line {line}, column {column}: {detail}" : $"Chat template: {detail}", innerException)
    {
        Kind = kind;
        Detail = detail;
        Line = line;
        Column = column;
    }

    /// <summary>Why the template was refused.</summary>
    public ChatTemplateErrorKind Kind { get; }

    /// <summary>The reason alone; for <see cref="ChatTemplateErrorKind.Raised"/> the template's own words.</summary>
    public string Detail { get; }

    /// <summary>The line in the template, from 1; 0 where the fault has no place.</summary>
    public int Line { get; }

    /// <summary>The column in UTF-16 units, from 1; 0 where the fault has no place.</summary>
    public int Column { get; }
}
